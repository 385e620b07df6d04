{{ config(meta={'rebuild_by': 'everything'}) }}

with

dated_records as (

    select * from {{ ref('int_batch_counts') }}

),

undated_records as (

    select * from {{ ref('int_batch_records') }}

),

counts as (

    select
        batch_id,
        source,
        raw_records,
        0 as events,
        0 as duplicates,
        rejected,
        superseded
    from undated_records
    union all
    select
        batch_id,
        source,
        0 as raw_records,
        events,
        duplicates,
        0 as rejected,
        superseded
    from dated_records

),

batches as (

    select distinct
        batch_id,
        cast(loaded_at as date) as load_date
    from {{ ref('int_loaded_objects') }}

),

final as (

    select
        batches.load_date,
        counts.source,
        cast(sum(counts.raw_records) as bigint) as raw_records,
        cast(sum(counts.events) as bigint) as events,
        cast(sum(counts.duplicates) as bigint) as duplicates,
        cast(sum(counts.rejected) as bigint) as rejected,
        cast(sum(counts.superseded) as bigint) as superseded
    from counts
    inner join batches
        on counts.batch_id = batches.batch_id
    group by batches.load_date, counts.source

)

select * from final
