{{ config(meta={'replaces': 'touched_load_dates'}) }}

{%- set new = new_batches() %}
{%- set load_dates = touched_load_dates(new) %}

with

raw_records as (

    select
        cast(loaded_at as date) as load_date,
        source,
        count(*) as raw_records
    from {{ source('raw', 'web_events') }}
    where
        {{ in_load_dates(load_dates) }}
        and batch_id in (
            select batch_id from {{ ref('int_batch_reach') }}
            where dataset = 'web_events'
        )
    group by cast(loaded_at as date), source

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

kept_copies as (

    select * from {{ ref('int_web_events_deduplicated') }}
    where {{ in_load_dates(load_dates) }}

),

staged as (

    select
        cast(records.loaded_at as date) as load_date,
        records.source,
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
    from {{ ref('stg_web_events') }} as records
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
    where {{ in_load_dates(load_dates, 'records.loaded_at') }}
    group by cast(records.loaded_at as date), records.source

),

events as (

    select
        cast(loaded_at as date) as load_date,
        source,
        count(*) as events
    from {{ ref('fct_web_events') }}
    where {{ in_load_dates(load_dates) }}
    group by cast(loaded_at as date), source

),

final as (

    select
        raw_records.load_date,
        raw_records.source,
        raw_records.raw_records,
        coalesce(events.events, 0) as events,
        coalesce(staged.duplicates, 0) as duplicates,
        coalesce(staged.rejected, 0) as rejected,
        coalesce(staged.superseded, 0) as superseded
    from raw_records
    left join staged
        on raw_records.load_date = staged.load_date and raw_records.source = staged.source
    left join events
        on raw_records.load_date = events.load_date and raw_records.source = events.source

)

select * from final
