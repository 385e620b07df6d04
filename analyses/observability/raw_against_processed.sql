with

final as (

    select
        load_date,
        source,
        raw_records,
        events,
        duplicates,
        rejected,
        superseded,
        raw_records - events - duplicates - rejected - superseded as unaccounted_records,
        {{ ratio('events', 'raw_records') }} as event_share
    from {{ ref('load_reconciliation') }}

)

select * from final
order by load_date, source
