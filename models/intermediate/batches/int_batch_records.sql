{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}

with

raw_records as (

    select
        batch_id,
        source,
        count(*) as raw_records
    from {{ source('raw', 'web_events') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}
    group by batch_id, source

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

undated_records as (

    select * from {{ ref('stg_web_events') }}
    where
        event_date is null
        and {{ touched() }}

),

rejected as (

    select
        undated_records.batch_id,
        undated_records.source,
        count(case when superseded_objects.source_uri is null then 1 end) as rejected,
        count(superseded_objects.source_uri) as superseded
    from undated_records
    left join superseded_objects
        on
            undated_records.source_uri = superseded_objects.source_uri
            and undated_records.source_etag = superseded_objects.source_etag
    group by undated_records.batch_id, undated_records.source

),

final as (

    select
        raw_records.batch_id,
        raw_records.source,
        raw_records.raw_records,
        coalesce(rejected.rejected, 0) as rejected,
        coalesce(rejected.superseded, 0) as superseded
    from raw_records
    left join rejected
        on raw_records.batch_id = rejected.batch_id and raw_records.source = rejected.source

)

select * from final
