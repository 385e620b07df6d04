{{
    config(
        partitioned_by=['event_date'],
        meta={
            'rebuild_by': 'session_id',
            'lookups': ['stg_web_events', 'dim_user_agents', 'int_address_countries'],
        },
    )
}}
-- depends_on: {{ ref('click_ids') }}
-- depends_on: {{ ref('internal_hosts') }}
-- depends_on: {{ ref('conversion_goals') }}
-- depends_on: {{ ref('quality_rules') }}
{%- set rules = quality_rules() %}
{%- set passed_weight, weight = '(' ~ quality_weights(rules, passed=true) ~ ')', '(' ~ quality_weights(rules) ~ ')' %}

with

sessionized as (

    select * from {{ ref('int_web_events_sessionized') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

-- Rejected records have no event date: the join leaves them out, and engines know better how many rows they read.
records as (

    select * from {{ ref('stg_web_events') }}
    where {{ touched(on='event_date') }}

),

user_agents as (

    select * from {{ ref('dim_user_agents') }}

),

countries as (

    select * from {{ ref('countries') }}

),

{% if has_address_ranges() -%}
-- By the ranges of {{ var('address_ranges') }}.
address_countries as (

    select * from {{ ref('int_address_countries') }}

),

{% endif -%}
spellings as (

    select
        {{ event_spelling('event_type') }} as event_type,
        {{ event_spelling('event_name') }} as event_name,
        event_action
    from {{ ref('event_actions') }}

),

joined as (

    select
        sessionized.session_id,
        cast(sessionized.session_start_at as date) as session_date,
        sessionized.is_session_start,
        records.*,
        records.coordinates.pitch is not null and records.coordinates.yaw is not null as has_direction,  -- noqa: RF01
        {{ url_query('records.page_url') }} as page_query,
        {{ url_host('records.page_url') }} as page_host,
        {{ url_host('records.referrer_url') }} as referring_host,
        {{ event_action('records') }} as event_action,
        user_agents.browser,
        user_agents.os,
        coalesce(user_agents.device_type, lower(records.source_device_type)) as device_type,
        coalesce(user_agents.is_bot_agent, false) as is_bot_agent,
        {%- if has_address_ranges() %}
        coalesce(countries.country_code, address_countries.country) as country
        {%- else %}
        countries.country_code as country
        {%- endif %}
    from sessionized
    inner join records
        on
            sessionized.event_date = records.event_date
            and sessionized.source_uri = records.source_uri
            and sessionized.source_etag = records.source_etag
            and sessionized.source_position = records.source_position
    {{ join_event_actions('records', 'spellings') }}
    left join user_agents
        on records.user_agent = user_agents.user_agent
    left join countries
        on lower(records.source_country) = countries.spelling
    {%- if has_address_ranges() %}
    left join address_countries
        on records.ip_address = address_countries.ip_address
    {%- endif %}

),

-- An event is about the products that it lists, else about its own.
with_lines as (

    select
        *,
        case
            when event_action = 'purchase'  -- noqa: RF03
                then {{ order_revenue('lines', 'price', 'quantity', 'order_value') }}
        end as revenue,
        {{ count_of_lines('lines', 'true') }} as line_count,
        {{ count_of_lines('lines', 'product_id is not null') }} > 0 as has_product_id,
        {{ count_of_lines('lines', 'price > 0') }} as priced_line_count,
        {{ count_of_lines('lines', 'quantity > 0') }} as counted_line_count
    from joined

),

described as (

    select
        *,
        coalesce({{ query_parameter('page_query', 'utm_source') }}, utm_source) as campaign_source,
        coalesce({{ query_parameter('page_query', 'utm_medium') }}, utm_medium) as campaign_medium,
        coalesce({{ query_parameter('page_query', 'utm_campaign') }}, utm_campaign) as campaign_name,
        coalesce({{ query_parameter('page_query', 'utm_term') }}, utm_term) as campaign_term,
        coalesce({{ query_parameter('page_query', 'utm_content') }}, utm_content) as campaign_content,
        {{ click_id_type('page_query') }} as click_id_type,
        case
            when referring_host = page_host or {{ is_internal_host('referring_host') }} then null
            else referring_host
        end as referrer_host
    from with_lines

),

final as (

    select
        event_id,
        event_date,
        event_timestamp,
        visitor_id,
        session_id,
        session_date,
        is_session_start,
        anonymous_id,
        user_id,
        event_action,
        page_path,
        page_url is not null or referrer_url is not null as has_origin,
        referrer_host,
        lower(campaign_source) as utm_source,
        lower(campaign_medium) as utm_medium,
        campaign_name as utm_campaign,
        campaign_term as utm_term,
        campaign_content as utm_content,
        click_id_type,
        device_type,
        browser,
        os,
        is_bot_agent,
        country,
        space_id is not null as has_space,
        has_product_id,
        revenue,
        {{ conversion_goal() }} as conversion_goal,
        {{ conversion_value() }} as conversion_value,
        {{ ratio(passed_weight, weight) }} as data_quality_score,
        {{ failed_quality_rules(rules) }} as failed_rules,
        source_uri,
        source_etag,
        source_position
    from described

)

select * from final
