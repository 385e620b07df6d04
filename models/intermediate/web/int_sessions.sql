{{
    config(
        partitioned_by=['session_date'],
        meta={'rebuild_by': 'session_id', 'lookups': ['int_session_sources']},
    )
}}

with

events as (

    select * from {{ ref('int_web_events_enriched') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

sources as (

    select * from {{ ref('int_session_sources') }}
    where
        {{ touched() }}
        and {{ touched(on='session_date') }}

),

ordered as (

    select
        *,
        row_number() over (partition by session_id order by event_timestamp, event_id) as place,
        lead(event_timestamp) over (partition by session_id order by event_timestamp, event_id) as next_event_timestamp
    from events

),

with_gaps as (

    select
        *,
        {{ microseconds_between('event_timestamp', 'next_event_timestamp') }} as gap_microseconds
    from ordered

),

-- Of what only some events know, the first or the last one that does.
counted as (

    select
        session_id,
        visitor_id,
        session_date,
        max(anonymous_id) as anonymous_id,
        max_by(user_id, case when user_id is not null then place end) as user_id,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at,
        count(*) as event_count,
        count(case when {{ is_page_view() }} then 1 end) as page_view_count,
        count(case when event_action = 'search' then 1 end) as search_count,
        count(case when event_action = 'purchase' then 1 end) as purchase_count,
        {{ sum_of_money('revenue') }} as revenue,
        count(conversion_goal) as conversion_count,
        min(case when event_action = 'sign_up' then event_timestamp end) as signed_up_at,
        min_by(page_path, case when page_path is not null then place end) as entry_page,
        max_by(page_path, case when page_path is not null then place end) as exit_page,
        max(case when place = 1 then event_action end) as first_event_action,
        max(case when next_event_timestamp is null then event_action end) as last_event_action,
        min_by(device_type, case when device_type is not null then place end) as device_type,
        min_by(country, case when country is not null then place end) as country,
        max(case when has_space then 1 else 0 end) = 1 as has_space,
        max(case when has_product_id then 1 else 0 end) = 1 as has_product,
        max(case when is_bot_agent then 1 else 0 end) = 1 as has_bot_agent,
        {{ microseconds_between('min(event_timestamp)', 'max(event_timestamp)') }} as microseconds,
        min(gap_microseconds) as least_gap_microseconds,
        max(gap_microseconds) as greatest_gap_microseconds,
        cast(coalesce(sum(
            case
                when gap_microseconds > {{ var('engaged_gap_seconds') }} * 1000000
                    then {{ var('engaged_gap_seconds') }} * 1000000
                else gap_microseconds
            end
        ), 0) as bigint) as engaged_microseconds
    from with_gaps
    group by session_id, visitor_id, session_date

),

judged as (

    select
        *,
        {{ bot_reason() }} as bot_reason
    from counted

),

final as (

    select
        judged.session_id,
        judged.visitor_id,
        judged.anonymous_id,
        judged.user_id,
        judged.session_start_at,
        judged.session_end_at,
        judged.session_date,
        {{ seconds_between('judged.session_start_at', 'judged.session_end_at') }} as duration_seconds,
        judged.event_count,
        judged.page_view_count,
        judged.search_count,
        judged.purchase_count,
        judged.signed_up_at,
        judged.revenue,
        judged.entry_page,
        judged.exit_page,
        judged.first_event_action,
        judged.last_event_action,
        coalesce(sources.channel, 'Direct') as channel,
        sources.utm_source,
        sources.utm_medium,
        sources.utm_campaign,
        sources.utm_term,
        sources.utm_content,
        sources.click_id_type,
        sources.referrer_host,
        judged.device_type,
        judged.country,
        judged.event_count = 1 as is_bounce,
        judged.conversion_count > 0 as is_converted,
        {{ is_engaged('judged') }} as is_engaged,
        judged.bot_reason is not null as is_bot,
        judged.bot_reason,
        {{ journey_type('judged') }} as journey_type,
        {{ engagement_tier('judged') }} as engagement_tier,
        {{ quotient('judged.engaged_microseconds', 1000000, 2) }} as engaged_seconds
    from judged
    left join sources
        on judged.session_id = sources.session_id

)

select * from final
