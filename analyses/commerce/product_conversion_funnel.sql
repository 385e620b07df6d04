with

final as (

    select
        product_id,
        category,
        views,
        add_to_carts,
        purchases,
        view_to_cart_conversion,
        view_to_purchase_conversion,
        cart_to_purchase_conversion
    from {{ ref('conversion_funnel') }}

)

select * from final
order by views desc, product_id asc
limit 10
