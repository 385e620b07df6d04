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
        cast(sum(revenue) as decimal(18, 2)) as revenue,
        cast(sum(returned_orders) as bigint) as returned_orders,
        cast(sum(returned_amount) as decimal(18, 2)) as returned_amount
    from daily
    group by product_id

)

select * from final
