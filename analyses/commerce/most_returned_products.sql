with

returns as (

    select * from {{ ref('return_rates') }}
    where returned_orders > 0

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        returns.product_id,
        products.name,
        products.category,
        returns.orders,
        returns.returned_orders,
        returns.return_rate,
        returns.returned_amount
    from returns
    left join products
        on returns.product_id = products.product_id

)

select * from final
order by returned_amount desc, product_id asc
limit 20
