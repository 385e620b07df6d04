{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

lines as (

    select * from {{ ref('fct_event_products') }}
    where
        product_id is not null
        and not is_bot

),

final as (

    select
        product_id,
        event_date,
        max(category) as category,
        count(case when event_action in ('page_view', 'product_view') then 1 end) as views,
        count(case when event_action = 'add_to_cart' then 1 end) as add_to_carts,
        count(case when event_action = 'purchase' then 1 end) as purchases
    from lines
    group by product_id, event_date

)

select * from final
