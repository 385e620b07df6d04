{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

steps as (

    select * from {{ ref('funnel_steps') }}

),

beginnings as (

    {{ funnel_beginnings('events', 'steps', within='session_id', kept=['session_id', 'session_date']) }}

),

final as (

    select
        session_id,
        session_date as event_date,
        funnel_name,
        max(steps_reached) as steps_reached
    from beginnings
    group by session_id, session_date, funnel_name

)

select * from final
