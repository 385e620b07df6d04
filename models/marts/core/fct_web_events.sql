{{
    config(
        partitioned_by=['event_date', 'bucket(space_type, 8)'],
        meta={'rebuild_by': 'session_id', 'lookups': ['stg_web_events']},
    )
}}

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

spellings as (

    select
        {{ event_spelling('event_type') }} as event_type,
        {{ event_spelling('event_name') }} as event_name,
        event_action
    from {{ ref('event_actions') }}

),

enriched as (

    select
        records.*,
        {{ event_action('records') }} as event_action
    from records
    {{ join_event_actions('records', 'spellings') }}

),

final as (

    select
        sessionized.event_id,
        sessionized.event_timestamp,
        sessionized.event_date,
        records.timestamp_source,
        records.event_type,
        records.event_name,
        records.event_action,
        records.source_format,
        records.anonymous_id,
        records.user_id,
        sessionized.visitor_id,
        sessionized.session_id,
        records.source_session_id,
        sessionized.is_session_start,
        records.page_url,
        records.page_path,
        records.referrer_url,
        records.user_agent,
        records.ip_address,
        records.source_device_type,
        records.source_country,
        records.utm_source,
        records.utm_medium,
        records.utm_campaign,
        records.utm_term,
        records.utm_content,
        records.space_id,
        records.space_name,
        records.space_type,
        records.room_id,
        records.room_name,
        records.community,
        records.building,
        records.floorplan,
        records.coordinates,
        records.product_id,
        records.category,
        records.quantity,
        records.price,
        case
            when records.event_action = 'purchase'
                then {{ order_revenue('records.lines', 'records.price', 'records.quantity', 'records.order_value') }}
        end as revenue,
        records.lines as product_lines,
        records.search_query,
        {%- for column in own_columns() %}
        records.{{ column.name }},
        {%- endfor %}
        {{ invocation_started_at() }} as processed_timestamp,
        records.source,
        records.source_uri,
        records.source_position,
        records.batch_id,
        records.loaded_at
    from sessionized
    inner join enriched as records
        on
            sessionized.event_date = records.event_date
            and sessionized.source_uri = records.source_uri
            and sessionized.source_etag = records.source_etag
            and sessionized.source_position = records.source_position

)

select * from final
