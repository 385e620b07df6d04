with

final as (

    select
        customer_id,
        total_orders,
        lifetime_value,
        avg_order_value,
        first_purchase,
        last_purchase
    from {{ ref('customer_lifetime_value') }}

)

select * from final
order by lifetime_value desc, customer_id asc
limit 100
