{{
    config(
        partitioned_by=['month(loaded_at)'],
        meta={'rebuild_by': 'batch_id'},
    )
}}

with

objects as (

    select * from {{ ref('int_loaded_objects') }}
    where
        dataset = 'web_events'
        and {{ touched() }}

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

-- Rejected records lie in the partition without a date.
rejected as (

    select
        batch_id,
        source_uri,
        source_etag,
        count(*) as rejected_count,
        count(case when rejection_reason = 'not_json_object' then 1 end) as malformed_count
    from {{ ref('stg_web_events') }}
    where
        rejection_reason is not null
        and event_date is null
        and {{ touched() }}
    group by batch_id, source_uri, source_etag

),

-- Records of a version that was replaced are superseded, whatever they are.
counted as (

    select
        objects.*,
        case when superseded_objects.source_uri is null then rejected.rejected_count end as rejected_count,
        case when superseded_objects.source_uri is null then rejected.malformed_count end as malformed_count
    from objects
    left join rejected
        on
            objects.batch_id = rejected.batch_id
            and objects.source_uri = rejected.source_uri
            and objects.source_etag = rejected.source_etag
    left join superseded_objects
        on
            objects.source_uri = superseded_objects.source_uri
            and objects.source_etag = superseded_objects.source_etag

),

final as (

    select
        batch_id,
        source,
        loaded_at,
        cast(loaded_at as date) as load_date,
        cast(source_modified_at as date) as arrival_date,
        count(*) as object_count,
        cast(sum(record_count) as bigint) as record_count,
        cast(coalesce(sum(malformed_count), 0) as bigint) as malformed_count,
        cast(coalesce(sum(rejected_count), 0) as bigint) as rejected_count
    from counted
    group by batch_id, source, loaded_at, cast(loaded_at as date), cast(source_modified_at as date)

)

select * from final
