with

returns as (

    select * from {{ ref('return_rates') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

categories as (

    select
        coalesce(products.category, '(unknown)') as category,
        sum(returns.orders) as orders,
        sum(returns.returned_orders) as returned_orders,
        {{ sum_of_money('returns.returned_amount') }} as returned_amount
    from returns
    left join products
        on returns.product_id = products.product_id
    group by coalesce(products.category, '(unknown)')

),

final as (

    select
        category,
        orders,
        returned_orders,
        {{ ratio('returned_orders', 'orders') }} as return_rate,
        returned_amount
    from categories

)

select * from final
order by return_rate desc, category asc
