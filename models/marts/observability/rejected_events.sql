{{
    config(
        partitioned_by=['day(loaded_at)'],
        meta={'rebuild_by': 'batch_id'},
    )
}}


with

-- Rejected records lie in the partition without a date.
rejected as (

    select * from {{ ref('stg_web_events') }}
    where
        rejection_reason is not null
        and event_date is null
        and {{ touched() }}

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

final as (

    select
        rejected.payload,
        rejected.payload_encoding,
        rejected.parse_error,
        rejected.source,
        rejected.source_uri,
        rejected.source_etag,
        rejected.source_position,
        rejected.source_modified_at,
        rejected.batch_id,
        rejected.loaded_at,
        rejected.rejection_reason
    from rejected
    left join superseded_objects
        on
            rejected.source_uri = superseded_objects.source_uri
            and rejected.source_etag = superseded_objects.source_etag
    where superseded_objects.source_uri is null

)

select * from final
