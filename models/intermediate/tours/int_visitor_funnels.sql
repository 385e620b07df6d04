{{
    config(
        unique_key=['visitor_id', 'event_date', 'funnel_name'],
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'visitor_month'},
    )
}}

with

events as (

    select * from {{ ref('int_funnel_events') }}
    where
        {{ touched() }}
        and {{ touched(on='month_date') }}

),

steps as (

    select * from {{ ref('funnel_steps') }}

),

beginnings as (

    {{ funnel_beginnings(
        'events', 'steps',
        within='visitor_month',
        kept=['visitor_month', 'visitor_id', 'event_date', 'is_beginning'],
        window_minutes=visitor_funnel_minutes(),
    ) }}

),

final as (

    select
        visitor_month,
        visitor_id,
        event_date,
        funnel_name,
        max(steps_reached) as steps_reached
    from beginnings
    where is_beginning
    group by visitor_month, visitor_id, event_date, funnel_name

)

select * from final
