with

final as (

    select
        rank,
        product_id,
        category,
        view_count
    from {{ ref('top_products') }}

)

select * from final
order by rank
