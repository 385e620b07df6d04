with

transactions as (

    select * from {{ ref('fct_transactions') }}
    where
        status = 'completed'
        and {{ in_last_days('transaction_date', 30, ref('fct_transactions')) }}

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        products.name,
        products.category,
        {{ sum_of_money('transactions.total_amount') }} as total_revenue,
        count(*) as order_count
    from transactions
    inner join products
        on transactions.product_id = products.product_id
    group by products.name, products.category

)

select * from final
order by total_revenue desc, name asc, category asc
limit 10
