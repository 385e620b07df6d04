with

reviews as (

    select * from {{ ref('fct_reviews') }}
    where
        rating <= 2
        and {{ in_last_days('review_date', 30, ref('fct_reviews')) }}

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        reviews.review_date,
        reviews.review_id,
        reviews.product_id,
        products.name,
        reviews.rating,
        reviews.review_text
    from reviews
    left join products
        on reviews.product_id = products.product_id

)

select * from final
order by review_date desc, review_id asc
limit 50
