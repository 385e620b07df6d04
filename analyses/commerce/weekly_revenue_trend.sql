with

days as (

    select * from {{ ref('revenue_trends') }}

),

weeks as (

    select
        {{ monday_of('transaction_date') }} as week_start_date,
        {{ sum_of_money('revenue') }} as revenue,
        sum(orders) as orders,
        {{ sum_of_whole_numbers('units') }} as units
    from days
    group by {{ monday_of('transaction_date') }}

),

compared as (

    select
        *,
        lag(revenue) over (order by week_start_date) as revenue_previous_week
    from weeks

),

final as (

    select
        week_start_date,
        revenue,
        orders,
        units,
        {{ rounded_quotient('revenue', 'orders', 2) }} as avg_order_value,
        revenue_previous_week,
        {{ rounded_quotient('revenue - revenue_previous_week', 'revenue_previous_week') }} as change_on_previous_week
    from compared

)

select * from final
order by week_start_date
