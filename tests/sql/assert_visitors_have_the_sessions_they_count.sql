-- Proves that a visitor's counts and times are those of its sessions, and that its sessions are numbered from 1 to all.
with

sessions as (

    select
        visitor_id,
        count(*) as session_count,
        min(session_number) as first_number,
        max(session_number) as last_number,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at
    from {{ ref('fct_sessions') }}
    group by visitor_id

)

select
    sessions.*,
    visitors.session_count as counted
from sessions
left join {{ ref('dim_visitors') }} as visitors
    on sessions.visitor_id = visitors.visitor_id
where
    visitors.visitor_id is null
    or sessions.session_count <> visitors.session_count
    or sessions.first_number <> 1
    or sessions.last_number <> sessions.session_count
    or sessions.first_seen_at <> visitors.first_seen_at
    or sessions.last_seen_at <> visitors.last_seen_at
