with

sales as (

    select
        product_id,
        {{ sum_of_whole_numbers('quantity') }} as units_sold
    from {{ ref('fct_transactions') }}
    where
        status = 'completed'
        and {{ in_last_days('transaction_date', 30, ref('fct_transactions')) }}
    group by product_id

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        products.product_id,
        products.name,
        products.category,
        products.stock,
        sales.units_sold,
        {{ rounded_quotient('products.stock', 'sales.units_sold', 2) }} as stock_to_sales_ratio
    from sales
    inner join products
        on sales.product_id = products.product_id
    where
        products.stock is not null
        and sales.units_sold > 0

)

select * from final
order by stock_to_sales_ratio asc, product_id asc
limit 20
