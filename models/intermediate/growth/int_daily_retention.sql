-- Without partitions: few rows a day, which the mart reads as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

visitor_days as (

    select distinct
        event_date,
        visitor_id,
        first_date
    from {{ ref('int_person_days') }}
    where
        {{ touched() }}
        and event_date <= {{ add_days('first_date', var('retention_days')) }}

),

final as (

    select
        event_date,
        first_date as cohort_date,
        count(*) as visitors
    from visitor_days
    group by event_date, first_date

)

select * from final
