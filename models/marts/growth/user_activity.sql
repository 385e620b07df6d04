{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where not is_bot

),

final as (

    select
        event_date,
        count(distinct visitor_id) as unique_users,
        count(distinct session_id) as unique_sessions
    from events
    group by event_date

)

select * from final
