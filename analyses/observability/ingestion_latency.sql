with

final as (

    select
        load_hour,
        source,
        batch_count,
        object_count,
        record_count,
        malformed_count,
        median_delay_seconds,
        p95_delay_seconds
    from {{ ref('pipeline_health') }}
    where {{ in_last_days('load_date', 7, ref('pipeline_health')) }}

)

select * from final
order by load_hour, source
