-- Proves that the loaders' account agrees: each record of the shop is one that commerce_reconciliation explains.
with

ledger as (

    select
        cast(loaded_at as date) as load_date,
        dataset,
        source,
        sum(record_count) as record_count
    from {{ source('raw', 'load_batches') }}
    where
        dataset in ('transactions', 'reviews', 'products')
        and batch_id in (
            select batch_id from {{ ref('int_loaded_objects') }}
        )
    group by cast(loaded_at as date), dataset, source

),

explained as (

    select
        load_date,
        dataset,
        source,
        kept + duplicates + rejected + superseded as record_count
    from {{ ref('commerce_reconciliation') }}

)

select
    coalesce(ledger.load_date, explained.load_date) as load_date,
    coalesce(ledger.dataset, explained.dataset) as dataset,
    coalesce(ledger.source, explained.source) as source,
    ledger.record_count as records_in_ledger,
    explained.record_count as records_explained
from ledger
full outer join explained
    on
        ledger.load_date = explained.load_date
        and ledger.dataset = explained.dataset
        and ledger.source = explained.source
where coalesce(ledger.record_count, 0) <> coalesce(explained.record_count, 0)
