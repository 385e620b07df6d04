{{ config(meta={'rebuild_by': 'product_id'}) }}

with

daily as (

    select * from {{ ref('int_product_sales_daily') }}
    where
        product_id is not null
        and {{ touched() }}

),

final as (

    select
        product_id,
        cast(sum(orders) as bigint) as orders,
        {{ sum_of_money('revenue') }} as revenue,
        cast(sum(returned_orders) as bigint) as returned_orders,
        {{ sum_of_money('returned_amount') }} as returned_amount
    from daily
    group by product_id

)

select * from final
