-- Proves that marts made of different tables agree: who is new on a day, and how many came on it.
with

days as (

    select
        stickiness.event_date,
        stickiness.dau,
        coalesce(user_activity.unique_persons, 0) as unique_persons,
        coalesce(user_activity.new_users, 0) as new_users,
        coalesce(retention_daily.cohort_size, 0) as cohort_size
    from {{ ref('stickiness') }} as stickiness
    left join {{ ref('user_activity') }} as user_activity
        on stickiness.event_date = user_activity.event_date
    left join {{ ref('retention_daily') }} as retention_daily
        on
            stickiness.event_date = retention_daily.cohort_date
            and retention_daily.days_since_first_visit = 0

)

select
    event_date,
    dau,
    unique_persons,
    new_users,
    cohort_size
from days
where
    dau <> unique_persons
    or new_users <> cohort_size
