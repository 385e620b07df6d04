{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

visitors as (

    select * from {{ ref('int_visitor_funnels') }}

),

steps as (

    select * from {{ ref('funnel_steps') }}

),

-- Who is in a funnel is in a row of each of its steps, reached or not.
counted as (

    select
        visitors.event_date,
        steps.funnel_name,
        steps.step_number,
        steps.step_name,
        count(case when visitors.steps_reached >= steps.step_number then 1 end) as visitors
    from visitors
    inner join steps
        on visitors.funnel_name = steps.funnel_name
    group by visitors.event_date, steps.funnel_name, steps.step_number, steps.step_name

),

compared as (

    select
        *,
        lag(visitors) over (partition by event_date, funnel_name order by step_number) as previous_visitors,
        max(visitors) over (partition by event_date, funnel_name) as first_visitors
    from counted

),

final as (

    select
        event_date,
        funnel_name,
        step_number,
        step_name,
        visitors,
        {{ ratio('visitors', 'previous_visitors') }} as conversion_from_previous,
        {{ ratio('visitors', 'first_visitors') }} as conversion_from_start
    from compared

)

select * from final
