{{ config(meta={'rebuild_by': 'product_id'}) }}

-- Apart from dim_products, which changes with every price: marts by category are built anew only for a category.
with

products as (

    select * from {{ ref('dim_products') }}
    where {{ touched() }}

),

final as (

    select
        product_id,
        category
    from products
    where category is not null

)

select * from final
