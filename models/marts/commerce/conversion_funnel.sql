{{ config(meta={'rebuild_by': 'product_id'}) }}


with

daily as (

    select * from {{ ref('int_product_daily') }}
    where {{ touched() }}

),

counted as (

    select
        product_id,
        max(category) as category,
        cast(sum(views) as bigint) as views,
        cast(sum(add_to_carts) as bigint) as add_to_carts,
        cast(sum(purchases) as bigint) as purchases
    from daily
    group by product_id

),

final as (

    select
        product_id,
        category,
        views,
        add_to_carts,
        purchases,
        {{ ratio('add_to_carts', 'views') }} as view_to_cart_conversion,
        {{ ratio('purchases', 'views') }} as view_to_purchase_conversion,
        {{ ratio('purchases', 'add_to_carts') }} as cart_to_purchase_conversion
    from counted

)

select * from final
