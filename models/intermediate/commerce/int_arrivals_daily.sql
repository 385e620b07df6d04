{{ config(meta={'rebuild_by': 'batch_id'}) }}

with

records as (

    select * from {{ ref('stg_web_events') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

final as (

    select
        records.batch_id,
        cast(records.source_modified_at as date) as modified_date,
        count(*) as raw_records,
        count(
            case when records.rejection_reason is not null and superseded_objects.source_uri is null then 1 end
        ) as rejected
    from records
    left join superseded_objects
        on
            records.source_uri = superseded_objects.source_uri
            and records.source_etag = superseded_objects.source_etag
    group by records.batch_id, cast(records.source_modified_at as date)

)

select * from final
