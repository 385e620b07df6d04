-- Proves that the daily marts hold the days of fct_web_events, and people's purchases, revenue, categories and lines.
{%- set dates = tested_rows('fct_web_events') | first %}
with

events_of_days as (

    select * from {{ ref('fct_web_events') }}
    where
        {{ dates }}
        and not is_bot

),

events as (

    select
        event_date,
        count(case when not is_bot then 1 end) as events_of_people,
        count(case when event_action = 'purchase' then 1 end) as purchases,
        coalesce(sum(revenue), 0) as revenue
    from events_of_days
    group by event_date

),

lines_of_days as (

    select * from {{ ref('fct_event_products') }}
    where
        {{ dates }}
        and not is_bot

),

-- How many categories an event and its lines name.
categories_of_events as (

    select
        events.event_date,
        max(case when events.category is not null then 1 else 0 end)
        + count(distinct case
            when lines_of_days.category <> coalesce(events.category, '') then lines_of_days.category
        end) as category_count
    from events_of_days as events
    left join lines_of_days
        on
            events.event_date = lines_of_days.event_date
            and events.event_id = lines_of_days.event_id
            and events.visitor_id = lines_of_days.visitor_id
    group by events.event_date, events.event_id, events.visitor_id

),

categories as (

    select
        event_date,
        sum(category_count) as events_with_category
    from categories_of_events
    group by event_date

),

lines as (

    select
        event_date,
        count(case when product_id is not null and event_action = 'add_to_cart' then 1 end) as add_to_carts
    from lines_of_days
    group by event_date

),

hourly_revenue as (

    select
        event_date,
        sum(transaction_count) as purchases,
        sum(total_revenue) as revenue
    from {{ ref('hourly_revenue') }}
    where {{ dates }}
    group by event_date

),

category_performance as (

    select
        event_date,
        sum(event_count) as events_with_category
    from {{ ref('category_performance') }}
    where {{ dates }}
    group by event_date

),

product_daily as (

    select
        event_date,
        sum(add_to_carts) as add_to_carts
    from {{ ref('int_product_daily') }}
    where {{ dates }}
    group by event_date

),

days as (

    select event_date from events
    union
    select event_date from {{ ref('user_activity') }}
    where {{ dates }}
    union
    select event_date from hourly_revenue
    union
    select event_date from category_performance
    union
    select event_date from product_daily

)

select
    days.event_date,
    events.event_date is null as has_no_event,
    events.events_of_people,
    user_activity.event_date is not null as is_in_user_activity,
    events.purchases,
    hourly_revenue.purchases as purchases_in_hourly_revenue,
    events.revenue,
    hourly_revenue.revenue as revenue_in_hourly_revenue,
    categories.events_with_category,
    category_performance.events_with_category as events_in_category_performance,
    lines.add_to_carts,
    product_daily.add_to_carts as add_to_carts_in_product_daily
from days
left join events on days.event_date = events.event_date
left join categories on days.event_date = categories.event_date
left join lines on days.event_date = lines.event_date
left join {{ ref('user_activity') }} as user_activity on days.event_date = user_activity.event_date
left join hourly_revenue on days.event_date = hourly_revenue.event_date
left join category_performance on days.event_date = category_performance.event_date
left join product_daily on days.event_date = product_daily.event_date
where
    events.event_date is null
    or (user_activity.event_date is not null) <> (events.events_of_people > 0)
    or events.purchases <> coalesce(hourly_revenue.purchases, 0)
    or events.revenue <> coalesce(hourly_revenue.revenue, 0)
    or coalesce(categories.events_with_category, 0) <> coalesce(category_performance.events_with_category, 0)
    or coalesce(lines.add_to_carts, 0) <> coalesce(product_daily.add_to_carts, 0)
