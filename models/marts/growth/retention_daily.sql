{{ config(unique_key=['cohort_date', 'days_since_first_visit'], meta={'rebuild_by': 'everything'}) }}

with

retained as (

    select * from {{ ref('int_daily_retention') }}

),

days as (

    select * from {{ ref('int_activity_days') }}

),

-- On its own day all of a cohort are active.
cohorts as (

    select
        cohort_date,
        visitors as cohort_size
    from retained
    where event_date = cohort_date

),

cohort_days as (

    select
        cohorts.cohort_date,
        cohorts.cohort_size,
        days.event_date
    from cohorts
    inner join days
        on days.event_date between cohorts.cohort_date and {{ add_days('cohorts.cohort_date', var('retention_days')) }}

),

final as (

    select
        cohort_days.cohort_date,
        {{ days_between('cohort_days.cohort_date', 'cohort_days.event_date') }} as days_since_first_visit,
        cohort_days.cohort_size,
        coalesce(retained.visitors, 0) as retained_users,
        {{ ratio('coalesce(retained.visitors, 0)', 'cohort_days.cohort_size') }} as retention_rate
    from cohort_days
    left join retained
        on
            cohort_days.cohort_date = retained.cohort_date
            and cohort_days.event_date = retained.event_date

)

select * from final
