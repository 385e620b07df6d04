-- Proves for the sessions that the last run wrote: one start, no gap over the limit, and fct_sessions counts the same.
with

events as (

    select
        session_id,
        event_timestamp,
        is_session_start,
        lag(event_timestamp) over (
            partition by session_id
            order by event_timestamp, event_id
        ) as previous_event_timestamp
    from {{ ref('fct_web_events') }}
    where processed_timestamp = (select max(processed_timestamp) from {{ ref('fct_web_events') }})

),

sessions as (

    select
        session_id,
        count(*) as event_count,
        count(case when is_session_start then 1 end) as start_count,
        count(
            case
                when
                    event_timestamp
                    > {{ add_minutes('previous_event_timestamp', var('session_inactivity_minutes')) }}
                    then 1
            end
        ) as long_gap_count,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at
    from events
    group by session_id

)

select sessions.*
from sessions
left join {{ ref('fct_sessions') }} as counted
    on sessions.session_id = counted.session_id
where
    sessions.start_count <> 1
    or sessions.long_gap_count > 0
    or counted.session_id is null
    or sessions.event_count <> counted.event_count
    or sessions.session_start_at <> counted.session_start_at
    or sessions.session_end_at <> counted.session_end_at
