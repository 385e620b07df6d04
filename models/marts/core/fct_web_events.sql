{{
    config(
        unique_key=['event_id', 'event_date'],
        partitioned_by=['event_date', 'space_type'],
        meta={'replaces': 'touched_identities'},
    )
}}

{%- set new = new_batches() %}
{%- set sessionized = ref('int_web_events_sessionized') %}
{%- set dates = session_dates(sessionized, new, 'event_date') %}

with

sessionized as (

    select events.* from {{ sessionized }} as events
    {% if not new.everything %}
    inner join ({{ touched_sessions(sessionized, new, 'event_date') }}) as touched
        on events.visitor_id = touched.visitor_id and events.session_id = touched.session_id
    where {{ in_dates(dates, 'events.event_date') }}
    {% endif %}

),

-- Rejected records have no event date: the join leaves them out, and engines know better how many rows they read.
records as (

    select * from {{ ref('stg_web_events') }}
    where {{ 'true' if new.everything else in_dates(dates) }}

),

final as (

    select
        sessionized.event_id,
        sessionized.event_timestamp,
        sessionized.event_date,
        records.timestamp_source,
        records.event_type,
        records.event_name,
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
        records.source_device_type,
        records.source_country,
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
            when records.event_type = 'purchase'
                then coalesce(try_cast(records.price * records.quantity as decimal(18, 2)), 0)
        end as revenue,
        records.search_query,
        {{ invocation_started_at() }} as processed_timestamp,
        records.source,
        records.source_uri,
        records.source_position,
        records.batch_id,
        records.loaded_at
    from sessionized
    inner join records
        on
            sessionized.event_date = records.event_date
            and sessionized.source_uri = records.source_uri
            and sessionized.source_etag = records.source_etag
            and sessionized.source_position = records.source_position

)

select * from final
