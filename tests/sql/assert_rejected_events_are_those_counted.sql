-- Proves that every record counted as rejected is kept in rejected_events, and no other.
with

kept as (

    select
        cast(loaded_at as date) as load_date,
        source,
        count(*) as rejected
    from {{ ref('rejected_events') }}
    group by cast(loaded_at as date), source

)

select
    coalesce(kept.load_date, counted.load_date) as load_date,
    coalesce(kept.source, counted.source) as source,
    kept.rejected as rejected_kept,
    counted.rejected as rejected_counted
from {{ ref('load_reconciliation') }} as counted
full outer join kept
    on counted.load_date = kept.load_date and counted.source = kept.source
where coalesce(kept.rejected, 0) <> coalesce(counted.rejected, 0)
