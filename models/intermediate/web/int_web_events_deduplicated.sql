{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'event_identity'},
    )
}}

with

copies as (

    select * from {{ ref('stg_web_events') }}
    where
        rejection_reason is null
        and {{ touched() }}

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

current_copies as (

    select copies.*
    from copies
    left join superseded_objects
        on
            copies.source_uri = superseded_objects.source_uri
            and copies.source_etag = superseded_objects.source_etag
    where superseded_objects.source_uri is null

),

-- The order is total and knows nothing of loading: any order of loading keeps the same copy.
with_next_copy as (

    select
        *,
        lead(event_date) over (
            partition by event_id, visitor_id
            order by event_timestamp, source_modified_at, source_uri, source_position
        ) as next_copy_date
    from current_copies

),

-- The greatest copy stays. After a day without a copy the same id is another event.
final as (

    select
        event_id,
        event_date,
        event_timestamp,
        visitor_id,
        source,
        source_uri,
        source_etag,
        source_position,
        loaded_at
    from with_next_copy
    where
        next_copy_date is null
        or next_copy_date > {{ add_days('event_date', 1) }}

)

select * from final
