{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('int_session_events') }}

),

-- Of each event the first that applies.
named as (

    select
        event_date,
        session_id,
        case
            when is_session_start and has_external_referrer then 'external_referral_entry'
            when event_action in ('space_view', 'room_view') and has_space then 'space_exploration'
            when is_session_end and session_event_count > {{ var('engaged_exit_min_events') }} then 'engaged_exit'
            else 'navigation'
        end as milestone
    from events

),

final as (

    select
        event_date,
        milestone,
        count(*) as events,
        count(distinct session_id) as sessions
    from named
    group by event_date, milestone

)

select * from final
