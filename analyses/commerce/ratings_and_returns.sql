with

ratings as (

    select * from {{ ref('product_ratings') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

returns as (

    select * from {{ ref('return_rates') }}

),

final as (

    select
        ratings.product_id,
        products.name,
        ratings.reviews,
        ratings.average_rating,
        ratings.one_star_share,
        returns.return_rate
    from ratings
    left join products
        on ratings.product_id = products.product_id
    left join returns
        on ratings.product_id = returns.product_id

)

select * from final
order by average_rating asc, product_id asc
limit 20
