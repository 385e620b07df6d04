with

final as (

    select
        event_date,
        event_hour,
        total_revenue,
        transaction_count
    from {{ ref('hourly_revenue') }}

)

select * from final
order by event_date desc, event_hour desc
limit 10
