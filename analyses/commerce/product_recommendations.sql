with

pairs as (

    select
        *,
        row_number() over (
            partition by product_a order by lift desc, pair_count desc, product_b asc
        ) as rank
    from {{ ref('product_affinity') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        pairs.product_a as product_id,
        pairs.rank,
        pairs.product_b as recommended_product_id,
        products.name as recommended_name,
        pairs.pair_count,
        pairs.confidence,
        pairs.lift
    from pairs
    left join products
        on pairs.product_b = products.product_id
    where pairs.rank <= 3

)

select * from final
order by product_id, rank
