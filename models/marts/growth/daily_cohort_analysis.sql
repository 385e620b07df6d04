{{ config(unique_key=['analysis_date', 'cohort_week', 'weeks_since_first_visit'], meta={'rebuild_by': 'everything'}) }}

with

days as (

    select * from {{ ref('int_activity_days') }}

),

cohorts as (

    select * from {{ ref('int_daily_cohorts') }}

),

analyses as (

    select
        event_date as analysis_date,
        activity_week as analysis_week
    from days
    where event_date > {{ add_days('last_date', -var('cohort_analysis_days')) }}

),

weeks as (

    select distinct activity_week from days

),

-- As far as it was known on the day of the analysis.
active_persons as (

    select
        analyses.analysis_date,
        analyses.analysis_week,
        cohorts.cohort_week,
        cohorts.activity_week,
        cast(sum(cohorts.persons) as bigint) as persons
    from analyses
    inner join cohorts
        on analyses.analysis_date >= cohorts.event_date
    group by analyses.analysis_date, analyses.analysis_week, cohorts.cohort_week, cohorts.activity_week

),

-- In its own week all of a cohort are active.
cohort_weeks as (

    select
        cohorts.analysis_date,
        cohorts.cohort_week,
        cohorts.persons as cohort_size,
        weeks.activity_week
    from active_persons as cohorts
    inner join weeks
        on weeks.activity_week between cohorts.cohort_week and cohorts.analysis_week
    where cohorts.activity_week = cohorts.cohort_week

),

final as (

    select
        cohort_weeks.analysis_date,
        cohort_weeks.cohort_week,
        date_diff('week', cohort_weeks.cohort_week, cohort_weeks.activity_week) as weeks_since_first_visit,
        cohort_weeks.cohort_size,
        coalesce(active_persons.persons, 0) as retained_users,
        {{ ratio('coalesce(active_persons.persons, 0)', 'cohort_weeks.cohort_size') }} as retention_rate
    from cohort_weeks
    left join active_persons
        on
            cohort_weeks.analysis_date = active_persons.analysis_date
            and cohort_weeks.cohort_week = active_persons.cohort_week
            and cohort_weeks.activity_week = active_persons.activity_week

)

select * from final
