{{ config(meta={'rebuild_by': 'everything'}) }}

with

products as (

    select * from {{ ref('conversion_funnel') }}
    where views > 0

),

ranked as (

    select
        cast(row_number() over (order by views desc, product_id asc) as integer) as rank,
        product_id,
        category,
        views as view_count
    from products

),

final as (

    select
        rank,
        product_id,
        category,
        view_count
    from ranked
    where rank <= 10

)

select * from final
