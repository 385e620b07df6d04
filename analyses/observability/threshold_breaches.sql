with

final as (

    select
        load_hour,
        source,
        delay_status,
        median_delay_seconds,
        error_rate_status,
        error_rate,
        score_status,
        average_score
    from {{ ref('pipeline_health') }}
    where 'breach' in (delay_status, error_rate_status, score_status)

)

select * from final
order by load_hour desc, source asc
