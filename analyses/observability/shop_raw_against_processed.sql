with

final as (

    select
        load_date,
        dataset,
        source,
        raw_records,
        kept,
        duplicates,
        rejected,
        superseded,
        raw_records - kept - duplicates - rejected - superseded as unaccounted_records
    from {{ ref('commerce_reconciliation') }}

)

select * from final
order by load_date, dataset, source
