-- Proves that two sessions of a visitor are further apart than the inactivity limit: else they would be one.
with

sessions as (

    select
        visitor_id,
        session_id,
        session_start_at,
        lag(session_end_at) over (
            partition by visitor_id
            order by session_start_at, session_end_at
        ) as previous_session_end_at
    from {{ ref('fct_sessions') }}

)

select *
from sessions
where session_start_at <= {{ add_minutes('previous_session_end_at', var('session_inactivity_minutes')) }}
