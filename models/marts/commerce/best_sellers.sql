{{ config(unique_key=['period', 'category', 'rank'], meta={'rebuild_by': 'everything'}) }}

with

daily as (

    select * from {{ ref('int_product_sales_daily') }}
    where product_id is not null

),

as_of as (

    select max(transaction_date) as last_date
    from {{ ref('int_sales_daily') }}

),

categories as (

    select * from {{ ref('int_product_categories') }}

),

sales as (

    select
        'all_time' as period,
        product_id,
        revenue
    from {{ ref('int_product_sales') }}
    where orders > 0
    union all
    select
        'last_30_days' as period,
        daily.product_id,
        {{ sum_of_money('daily.revenue') }} as revenue
    from daily
    inner join as_of
        on daily.transaction_date > {{ add_days('as_of.last_date', -30) }}
    where daily.orders > 0
    group by daily.product_id

),

ranked as (

    select
        sales.period,
        coalesce(categories.category, '(unknown)') as category,
        cast(row_number() over (
            partition by sales.period, coalesce(categories.category, '(unknown)')
            order by sales.revenue desc, sales.product_id asc
        ) as integer) as rank,
        sales.product_id,
        sales.revenue
    from sales
    left join categories
        on sales.product_id = categories.product_id

),

final as (

    select
        period,
        category,
        rank,
        product_id,
        revenue
    from ranked
    where rank <= 10

)

select * from final
