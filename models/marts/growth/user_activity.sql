{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where not is_bot

),

visits as (

    select
        event_date,
        count(distinct visitor_id) as unique_users,
        count(distinct session_id) as unique_sessions
    from events
    group by event_date

),

persons as (

    select
        event_date,
        count(distinct person_id) as unique_persons,
        count(distinct case when event_date = first_date then visitor_id end) as new_users
    from {{ ref('int_person_days') }}
    where {{ touched() }}
    group by event_date

),

final as (

    select
        visits.event_date,
        visits.unique_users,
        visits.unique_sessions,
        persons.new_users,
        visits.unique_users - persons.new_users as returning_users,
        persons.unique_persons
    from visits
    inner join persons
        on visits.event_date = persons.event_date

)

select * from final
