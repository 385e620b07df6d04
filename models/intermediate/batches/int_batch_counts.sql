{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date', 'lookups': ['int_superseded_objects']},
    )
}}

-- A newer version of an object makes int_web_events_deduplicated build all days of the older one: a lookup is enough.
with

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

kept_copies as (

    select * from {{ ref('int_web_events_deduplicated') }}
    where {{ touched() }}

),

records as (

    select * from {{ ref('stg_web_events') }}
    where
        event_date is not null
        and {{ touched() }}

),

final as (

    select
        records.batch_id,
        records.source,
        records.event_date,
        count(kept_copies.source_uri) as events,
        count(
            case when superseded_objects.source_uri is null and kept_copies.source_uri is null then 1 end
        ) as duplicates,
        count(superseded_objects.source_uri) as superseded
    from records
    left join superseded_objects
        on
            records.source_uri = superseded_objects.source_uri
            and records.source_etag = superseded_objects.source_etag
    left join kept_copies
        on
            records.event_date = kept_copies.event_date
            and records.source_uri = kept_copies.source_uri
            and records.source_etag = kept_copies.source_etag
            and records.source_position = kept_copies.source_position
    group by records.batch_id, records.source, records.event_date

)

select * from final
