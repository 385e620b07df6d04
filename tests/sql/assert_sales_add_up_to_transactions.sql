-- Proves that the marts of sales hold the completed transactions, each once.
with

transactions as (

    select
        count(*) as orders,
        coalesce(sum(total_amount), 0) as revenue
    from {{ ref('fct_transactions') }}
    where status = 'completed'

),

marts as (

    select
        'revenue_trends' as mart,
        sum(orders) as orders,
        sum(revenue) as revenue
    from {{ ref('revenue_trends') }}
    union all
    select
        'revenue_by_category' as mart,
        sum(orders) as orders,
        sum(revenue) as revenue
    from {{ ref('revenue_by_category') }}
    union all
    select
        'customer_lifetime_value' as mart,
        sum(total_orders) as orders,
        sum(lifetime_value) as revenue
    from {{ ref('customer_lifetime_value') }}
    union all
    select
        'customer_segments' as mart,
        sum(frequency) as orders,
        sum(monetary) as revenue
    from {{ ref('customer_segments') }}
    union all
    select
        'daily_kpis' as mart,
        sum(orders) as orders,
        sum(transaction_revenue) as revenue
    from {{ ref('daily_kpis') }}

)

select
    marts.mart,
    marts.orders,
    transactions.orders as completed_transactions,
    marts.revenue,
    transactions.revenue as completed_revenue
from marts
cross join transactions
where
    coalesce(marts.orders, 0) <> transactions.orders
    or coalesce(marts.revenue, 0) <> transactions.revenue
