{{
    config(
        unique_key=['person_id', 'event_date'],
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'person_id'},
    )
}}

with

days as (

    select distinct
        event_date,
        person_id
    from {{ ref('int_person_days') }}
    where {{ touched() }}

),

final as (

    select
        event_date,
        person_id,
        min(event_date) over (partition by person_id) as first_date,
        lag(event_date) over (
            partition by person_id
            order by event_date
        ) as previous_date
    from days

)

select * from final
