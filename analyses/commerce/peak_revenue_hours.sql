with

hours as (

    select
        event_hour,
        {{ sum_of_money('total_revenue') }} as total_revenue,
        sum(transaction_count) as transaction_count
    from {{ ref('hourly_revenue') }}
    where {{ in_last_days('event_date', 30, ref('hourly_revenue')) }}
    group by event_hour

),

final as (

    select
        event_hour,
        total_revenue,
        transaction_count,
        {{ rounded_quotient('total_revenue', 'sum(total_revenue) over ()') }} as revenue_share
    from hours

)

select * from final
order by total_revenue desc, event_hour asc
