-- Proves that what commerce_reconciliation counts as kept and rejected are the rows of the tables that hold them.
with

tables as (

    select
        'transactions' as dataset,
        count(*) as kept
    from {{ ref('fct_transactions') }}
    union all
    select
        'reviews' as dataset,
        count(*) as kept
    from {{ ref('fct_reviews') }}
    union all
    select
        'products' as dataset,
        count(*) as kept
    from {{ ref('dim_products') }}

),

rejected as (

    select
        dataset,
        count(*) as rejected
    from {{ ref('rejected_commerce') }}
    group by dataset

),

counted as (

    select
        dataset,
        sum(kept) as kept,
        sum(rejected) as rejected
    from {{ ref('commerce_reconciliation') }}
    group by dataset

)

select
    tables.dataset,
    tables.kept,
    counted.kept as kept_counted,
    rejected.rejected,
    counted.rejected as rejected_counted
from tables
left join rejected
    on tables.dataset = rejected.dataset
left join counted
    on tables.dataset = counted.dataset
where
    tables.kept <> coalesce(counted.kept, 0)
    or coalesce(rejected.rejected, 0) <> coalesce(counted.rejected, 0)
