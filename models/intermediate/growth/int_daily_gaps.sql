-- Without partitions: at most 30 rows a day, which the marts read as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

returns as (

    select
        event_date,
        case
            when previous_date is null or previous_date < {{ add_days('event_date', -30) }} then 30
            else {{ days_between('previous_date', 'event_date') }}
        end as days_since_previous
    from {{ ref('int_person_returns') }}
    where {{ touched() }}

),

final as (

    select
        event_date,
        days_since_previous,
        count(*) as persons
    from returns
    group by event_date, days_since_previous

)

select * from final
