{{ config(meta={'rebuild_by': 'everything'}) }}

with

records as (

    select * from {{ ref('int_commerce_records') }}

),

outcomes as (

    select * from {{ ref('int_commerce_counts') }}

),

counts as (

    select
        batch_id,
        dataset,
        source,
        raw_records,
        0 as kept,
        0 as duplicates,
        0 as rejected,
        0 as superseded
    from records
    union all
    select
        batch_id,
        dataset,
        source,
        0 as raw_records,
        kept,
        duplicates,
        rejected,
        superseded
    from outcomes

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
        counts.dataset,
        counts.source,
        cast(sum(counts.raw_records) as bigint) as raw_records,
        cast(sum(counts.kept) as bigint) as kept,
        cast(sum(counts.duplicates) as bigint) as duplicates,
        cast(sum(counts.rejected) as bigint) as rejected,
        cast(sum(counts.superseded) as bigint) as superseded
    from counts
    inner join batches
        on counts.batch_id = batches.batch_id
    group by batches.load_date, counts.dataset, counts.source

)

select * from final
