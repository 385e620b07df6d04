{{
    config(
        partitioned_by=['event_date'],
        meta={'replaces': 'batch_counts'},
    )
}}

{%- set new = new_batches() %}
{%- set load_dates = load_dates(new) %}

with

-- Raw records have no event date yet.
raw_records as (

    select
        batch_id,
        source,
        cast(null as date) as event_date,
        count(*) as raw_records
    from {{ source('raw', 'web_events') }}
    where
        {{ in_batches(new) }}
        and {{ 'true' if new.everything else in_days(load_dates, 'loaded_at') }}
        and batch_id in (
            select batch_id from {{ ref('int_batch_reach') }}
            where dataset = 'web_events'
        )
    group by batch_id, source

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

kept_copies as (

    select * from {{ ref('int_web_events_deduplicated') }}
    where {{ in_event_dates(new) }}

),

-- In two parts, each of which reads its partitions only.
records as (

    select
        batch_id,
        source,
        event_date,
        rejection_reason,
        source_uri,
        source_etag,
        source_position
    from {{ ref('stg_web_events') }}
    where {{ in_event_dates(new) }}
    {% if not new.everything %}
    union all
    select
        batch_id,
        source,
        event_date,
        rejection_reason,
        source_uri,
        source_etag,
        source_position
    from {{ ref('stg_web_events') }}
    where
        event_date is null
        and {{ in_batches(new) }}
    {% endif %}

),

staged as (

    select
        records.batch_id,
        records.source,
        records.event_date,
        count(case when superseded_objects.source_uri is not null then 1 end) as superseded,
        count(case when superseded_objects.source_uri is null and records.rejection_reason is not null then 1 end)
            as rejected,
        count(
            case
                when
                    superseded_objects.source_uri is null
                    and records.rejection_reason is null
                    and kept_copies.source_uri is null
                    then 1
            end
        ) as duplicates
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

),

events as (

    select
        batch_id,
        source,
        event_date,
        count(*) as events
    from {{ ref('fct_web_events') }}
    where {{ in_event_dates(new) }}
    group by batch_id, source, event_date

),

counts as (

    select
        batch_id,
        source,
        event_date,
        raw_records,
        0 as events,
        0 as duplicates,
        0 as rejected,
        0 as superseded
    from raw_records
    union all
    select
        batch_id,
        source,
        event_date,
        0 as raw_records,
        0 as events,
        duplicates,
        rejected,
        superseded
    from staged
    union all
    select
        batch_id,
        source,
        event_date,
        0 as raw_records,
        events,
        0 as duplicates,
        0 as rejected,
        0 as superseded
    from events

),

final as (

    select
        batch_id,
        source,
        event_date,
        cast(sum(raw_records) as bigint) as raw_records,
        cast(sum(events) as bigint) as events,
        cast(sum(duplicates) as bigint) as duplicates,
        cast(sum(rejected) as bigint) as rejected,
        cast(sum(superseded) as bigint) as superseded
    from counts
    group by batch_id, source, event_date

)

select * from final
