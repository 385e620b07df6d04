{{ config(unique_key='week', meta={'rebuild_by': 'everything'}) }}

with

weeks as (

    select distinct activity_week from {{ ref('int_activity_days') }}

),

active_persons as (

    select
        activity_week,
        sum(persons) as active_users,
        sum(case when cohort_week = activity_week then persons else 0 end) as new_users,
        sum(persons_of_last_week) as retained_users
    from {{ ref('int_daily_cohorts') }}
    group by activity_week

),

-- Every week, also one that nobody came in.
weekly as (

    select
        weeks.activity_week,
        coalesce(active_persons.active_users, 0) as active_users,
        coalesce(active_persons.new_users, 0) as new_users,
        coalesce(active_persons.retained_users, 0) as retained_users,
        lag(coalesce(active_persons.active_users, 0), 1, 0) over (
            order by weeks.activity_week
        ) as active_users_of_last_week
    from weeks
    left join active_persons
        on weeks.activity_week = active_persons.activity_week

),

final as (

    select
        activity_week as week,  -- noqa: RF04
        cast(new_users as bigint) as new_users,
        cast(retained_users as bigint) as retained_users,
        cast(active_users - new_users - retained_users as bigint) as resurrected_users,
        cast(active_users_of_last_week - retained_users as bigint) as churned_users
    from weekly

)

select * from final
