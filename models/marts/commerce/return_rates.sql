{{ config(meta={'rebuild_by': 'product_id'}) }}

with

products as (

    select * from {{ ref('int_product_sales') }}
    where {{ touched() }}

),

final as (

    select
        product_id,
        orders + returned_orders as orders,
        returned_orders,
        {{ ratio('returned_orders', '(orders + returned_orders)') }} as return_rate,
        returned_amount
    from products

)

select * from final
