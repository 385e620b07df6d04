{{
    config(
        partitioned_by=['month(transaction_date)'],
        meta={'rebuild_by': 'transaction_date'},
    )
}}

-- A category that changes is rebuilt on all days: int_product_categories has no day.
with

daily as (

    select * from {{ ref('int_product_sales_daily') }}
    where orders > 0

),

categories as (

    select * from {{ ref('int_product_categories') }}

),

final as (

    select
        daily.transaction_date,
        coalesce(categories.category, '(unknown)') as category,
        {{ sum_of_money('daily.revenue') }} as revenue,
        cast(sum(daily.orders) as bigint) as orders,
        {{ sum_of_whole_numbers('daily.units') }} as units
    from daily
    left join categories
        on daily.product_id = categories.product_id
    group by daily.transaction_date, coalesce(categories.category, '(unknown)')

)

select * from final
