with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ in_last_days('event_date', 7, ref('fct_web_events')) }}

),

counted as (

    select
        count(case when {{ is_page_view() }} then 1 end) as page_views,
        count(case when event_action = 'product_view' then 1 end) as product_views,
        count(case when event_action = 'add_to_cart' then 1 end) as add_to_carts,
        count(case when event_action = 'purchase' then 1 end) as purchases
    from events

),

final as (

    select
        page_views,
        product_views,
        add_to_carts,
        purchases,
        {{ quotient('100 * purchases', 'page_views', 2) }} as conversion_rate
    from counted

)

select * from final
