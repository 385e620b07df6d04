with

final as (

    select
        event_date,
        metric,
        value,
        expected,
        band,
        direction
    from {{ ref('anomalies') }}

)

select * from final
order by event_date desc, metric asc
limit 50
