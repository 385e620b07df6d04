{{ config(meta={'rebuild_by': 'customer_id'}) }}

with

transactions as (

    select * from {{ ref('fct_transactions') }}
    where {{ touched() }}

),

customers as (

    select
        customer_id,
        count(case when status = 'completed' then 1 end) as total_orders,
        {{ sum_of_money("case when status = 'completed' then total_amount end") }} as lifetime_value,
        min(case when status = 'completed' then transaction_date end) as first_purchase,
        max(case when status = 'completed' then transaction_date end) as last_purchase,
        count(case when status <> 'completed' then 1 end) as returned_orders,
        {{ sum_of_money("case when status <> 'completed' then total_amount end") }} as returned_amount
    from transactions
    group by customer_id

),

final as (

    select
        customer_id,
        total_orders,
        lifetime_value,
        {{ rounded_quotient('lifetime_value', 'total_orders', 2) }} as avg_order_value,
        first_purchase,
        last_purchase,
        returned_orders,
        returned_amount
    from customers
    where total_orders > 0

)

select * from final
