{{
    config(
        unique_key=['visitor_id', 'person_id', 'event_date'],
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'visitor_id'},
    )
}}

with

days as (

    select * from {{ ref('int_visitor_days') }}
    where {{ touched() }}

),

visitors as (

    select * from {{ ref('dim_visitors') }}
    where {{ touched() }}

),

persons as (

    select distinct
        days.event_date,
        days.visitor_id,
        coalesce(days.user_id, visitors.person_id) as person_id
    from days
    inner join visitors
        on days.visitor_id = visitors.visitor_id

),

final as (

    select
        event_date,
        visitor_id,
        person_id,
        min(event_date) over (partition by visitor_id) as first_date
    from persons

)

select * from final
