with

products as (

    select * from {{ ref('top_products') }}

),

funnel as (

    select * from {{ ref('conversion_funnel') }}

),

final as (

    select
        products.rank,
        products.product_id,
        products.view_count,
        funnel.purchases,
        funnel.view_to_cart_conversion,
        funnel.view_to_purchase_conversion
    from products
    inner join funnel
        on products.product_id = funnel.product_id

)

select * from final
order by rank
