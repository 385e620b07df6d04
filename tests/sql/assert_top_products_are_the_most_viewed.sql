-- Proves that no product with more views than a ranked one ranks behind it or not at all.
select
    ranked.rank,
    ranked.product_id,
    products.product_id as better_product_id
from {{ ref('top_products') }} as ranked
inner join {{ ref('conversion_funnel') }} as products
    on
        ranked.view_count < products.views
        or (ranked.view_count = products.views and ranked.product_id > products.product_id)
left join {{ ref('top_products') }} as better
    on products.product_id = better.product_id
where better.rank is null or better.rank > ranked.rank
