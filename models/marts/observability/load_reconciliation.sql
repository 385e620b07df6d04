{{ config(meta={'replaces': 'all'}) }}

{%- set new = new_batches() %}

with

batch_counts as (

    select * from {{ ref('int_batch_counts') }}
    where {{ 'true' if new.everything or new.batches else 'false' }}

),

batches as (

    select distinct
        batch_id,
        cast(loaded_at as date) as load_date
    from {{ source('raw', 'load_batches') }}
    where dataset = 'web_events'

),

final as (

    select
        batches.load_date,
        batch_counts.source,
        cast(sum(batch_counts.raw_records) as bigint) as raw_records,
        cast(sum(batch_counts.events) as bigint) as events,
        cast(sum(batch_counts.duplicates) as bigint) as duplicates,
        cast(sum(batch_counts.rejected) as bigint) as rejected,
        cast(sum(batch_counts.superseded) as bigint) as superseded
    from batch_counts
    inner join batches
        on batch_counts.batch_id = batches.batch_id
    group by batches.load_date, batch_counts.source

)

select * from final
