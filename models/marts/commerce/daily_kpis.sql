{{ config(unique_key='event_date', meta={'rebuild_by': 'everything'}) }}

with

events as (

    select * from {{ ref('int_daily_totals') }}

),

sessions as (

    select * from {{ ref('int_sessions_daily') }}

),

sales as (

    select * from {{ ref('int_sales_daily') }}

),

arrivals as (

    select
        arrival_date,
        cast(sum(record_count) as bigint) as raw_records,
        cast(sum(rejected_count) as bigint) as rejected
    from {{ ref('int_batch_arrivals') }}
    group by arrival_date

),

days as (

    select event_date from events
    union distinct
    select transaction_date as event_date from sales

),

final as (

    select
        days.event_date,
        coalesce(sessions.sessions, 0) as sessions,
        coalesce(events.visitors, 0) as visitors,
        coalesce(events.page_views, 0) as page_views,
        coalesce(events.purchases, 0) as purchases,
        cast(coalesce(events.revenue, 0) as decimal(18, 2)) as event_revenue,
        coalesce(sales.orders, 0) as orders,
        cast(coalesce(sales.revenue, 0) as decimal(18, 2)) as transaction_revenue,
        {{ ratio('sessions.converted_sessions', 'sessions.sessions') }} as conversion_rate,
        {{ rounded_quotient('events.total_score', 'events.events - events.bot_events') }} as average_score,
        {{ ratio('arrivals.rejected', 'arrivals.raw_records') }} as rejected_share,
        {{ ratio('events.bot_events', 'events.events') }} as bot_share
    from days
    left join events
        on days.event_date = events.event_date
    left join sessions
        on days.event_date = sessions.session_date
    left join sales
        on days.event_date = sales.transaction_date
    left join arrivals
        on days.event_date = arrivals.arrival_date

)

select * from final
