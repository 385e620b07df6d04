{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        category is not null
        and not is_bot

),

lines as (

    select * from {{ ref('fct_event_products') }}
    where
        category is not null
        and not is_bot

),

-- An event counts once for each category that it or one of its products names.
categories as (

    select
        event_date,
        event_id,
        visitor_id,
        category
    from events
    union distinct
    select
        event_date,
        event_id,
        visitor_id,
        category
    from lines

),

final as (

    select
        event_date,
        category,
        count(*) as event_count
    from categories
    group by event_date, category

)

select * from final
