{{ config(unique_key='transaction_date', meta={'rebuild_by': 'everything'}) }}

with

sales as (

    select * from {{ ref('int_sales_daily') }}

),

bounds as (

    select
        min(transaction_date) as first_date,
        max(transaction_date) as last_date
    from sales

),

-- Every day, so that seven rows before a row is a week before it.
days as (

    select {{ add_days('bounds.first_date', 'cast(numbers.day_number as integer)') }} as transaction_date
    from bounds
    cross join unnest({{ day_numbers('bounds.first_date', 'bounds.last_date') }}) as numbers (day_number)

),

filled as (

    select
        days.transaction_date,
        cast(coalesce(sales.revenue, 0) as decimal(18, 2)) as revenue,
        coalesce(sales.orders, 0) as orders,
        coalesce(sales.units, 0) as units,
        coalesce(sales.customers, 0) as customers
    from days
    left join sales
        on days.transaction_date = sales.transaction_date

),

compared as (

    select
        *,
        sum(revenue) over (order by transaction_date rows between 6 preceding and current row) as revenue_of_7_days,
        count(*) over (order by transaction_date rows between 6 preceding and current row) as days_of_7,
        lag(revenue, 7) over (order by transaction_date) as revenue_previous_week
    from filled

),

final as (

    select
        transaction_date,
        revenue,
        orders,
        units,
        customers,
        {{ rounded_quotient('revenue', 'orders', 2) }} as avg_order_value,
        {{ rounded_quotient('revenue_of_7_days', 'days_of_7', 2) }} as revenue_7_day_average,
        revenue_previous_week,
        {{ rounded_quotient('revenue - revenue_previous_week', 'revenue_previous_week') }} as change_on_previous_week
    from compared

)

select * from final
