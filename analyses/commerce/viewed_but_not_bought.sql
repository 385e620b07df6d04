with

products as (

    select * from {{ ref('conversion_funnel') }}

),

shop as (

    select
        count(*) as products,
        sum(views) as views,
        sum(purchases) as purchases
    from products

),

final as (

    select
        products.product_id,
        products.category,
        products.views,
        products.add_to_carts,
        products.purchases,
        products.view_to_cart_conversion,
        products.view_to_purchase_conversion,
        {{ ratio('shop.purchases', 'shop.views') }} as shop_conversion
    from products
    cross join shop
    where
        products.views * shop.products > shop.views
        and products.purchases * shop.views < shop.purchases * products.views

)

select * from final
order by views desc, product_id asc
limit 20
