{{
    config(
        partitioned_by=['month(loaded_at)'],
        meta={'rebuild_by': 'batch_id'},
    )
}}

with

records as (

    select
        batch_id,
        source,
        loaded_at,
        {{ seconds_between('event_timestamp', 'loaded_at') }} as delay_seconds
    from {{ ref('stg_web_events') }}
    where
        rejection_reason is null
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

final as (

    select
        batch_id,
        source,
        loaded_at,
        cast(loaded_at as date) as load_date,
        delay_seconds,
        count(*) as record_count
    from records
    group by batch_id, source, loaded_at, cast(loaded_at as date), delay_seconds

)

select * from final
