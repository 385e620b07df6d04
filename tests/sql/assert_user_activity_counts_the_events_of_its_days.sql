-- Proves for the days that the last run wrote events of: user_activity counts the visitors and sessions that they have,
-- without bots.
with

written_days as (

    select distinct event_date
    from {{ ref('fct_web_events') }}
    where processed_timestamp = (select max(processed_timestamp) from {{ ref('fct_web_events') }})

),

events as (

    select
        event_date,
        count(distinct visitor_id) as unique_users,
        count(distinct session_id) as unique_sessions
    from {{ ref('fct_web_events') }}
    where
        event_date in (select event_date from written_days)
        and not is_bot
    group by event_date

)

select
    events.event_date,
    events.unique_users,
    user_activity.unique_users as unique_users_in_user_activity,
    events.unique_sessions,
    user_activity.unique_sessions as unique_sessions_in_user_activity
from events
left join {{ ref('user_activity') }} as user_activity
    on events.event_date = user_activity.event_date
where
    user_activity.event_date is null
    or events.unique_users <> user_activity.unique_users
    or events.unique_sessions <> user_activity.unique_sessions
