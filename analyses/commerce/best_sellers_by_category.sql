with

best_sellers as (

    select * from {{ ref('best_sellers') }}
    where period = 'last_30_days'

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        best_sellers.category,
        best_sellers.rank,
        best_sellers.product_id,
        products.name,
        best_sellers.revenue
    from best_sellers
    left join products
        on best_sellers.product_id = products.product_id

)

select * from final
order by category, rank
