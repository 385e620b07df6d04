{{ config(meta={'rebuild_by': 'product_id'}) }}

with

reviews as (

    select * from {{ ref('fct_reviews') }}
    where {{ touched() }}

),

products as (

    select
        product_id,
        count(*) as reviews,
        cast(sum(rating) as bigint) as stars,
        count(case when rating = 1 then 1 end) as one_star_reviews,
        count(case when rating = 5 then 1 end) as five_star_reviews,
        max(review_date) as last_review_date
    from reviews
    group by product_id

),

final as (

    select
        product_id,
        reviews,
        {{ quotient('stars', 'reviews', 2) }} as average_rating,
        {{ ratio('one_star_reviews', 'reviews') }} as one_star_share,
        {{ ratio('five_star_reviews', 'reviews') }} as five_star_share,
        last_review_date
    from products

)

select * from final
