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
