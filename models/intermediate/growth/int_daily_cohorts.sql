-- Without partitions: few rows a day, which the marts read as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

returns as (

    select
        event_date,
        previous_date,
        {{ monday_of('event_date') }} as activity_week,
        {{ monday_of('first_date') }} as cohort_week
    from {{ ref('int_person_returns') }}
    where {{ touched() }}

),

-- A person's first day of a week stands for the week.
first_days as (

    select * from returns
    where
        previous_date is null
        or previous_date < activity_week

),

final as (

    select
        event_date,
        activity_week,
        cohort_week,
        count(*) as persons,
        count(
            case when previous_date >= {{ add_days('activity_week', -7) }} then 1 end
        ) as persons_of_last_week
    from first_days
    group by event_date, activity_week, cohort_week

)

select * from final
