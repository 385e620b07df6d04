{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

sessions as (

    select * from {{ ref('int_session_funnels') }}

),

steps as (

    select * from {{ ref('funnel_steps') }}

),

-- Who is in a funnel is in a row of each of its steps, reached or not.
counted as (

    select
        sessions.event_date,
        steps.funnel_name,
        steps.step_number,
        steps.step_name,
        count(case when sessions.steps_reached >= steps.step_number then 1 end) as sessions
    from sessions
    inner join steps
        on sessions.funnel_name = steps.funnel_name
    group by sessions.event_date, steps.funnel_name, steps.step_number, steps.step_name

),

compared as (

    select
        *,
        lag(sessions) over (partition by event_date, funnel_name order by step_number) as previous_sessions,
        max(sessions) over (partition by event_date, funnel_name) as first_sessions
    from counted

),

final as (

    select
        event_date,
        funnel_name,
        step_number,
        step_name,
        sessions,
        {{ ratio('sessions', 'previous_sessions') }} as conversion_from_previous,
        {{ ratio('sessions', 'first_sessions') }} as conversion_from_start
    from compared

)

select * from final
