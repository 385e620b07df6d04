{{
    config(
        unique_key='person_id',
        meta={'rebuild_by': 'person_id'},
    )
}}

with

visitor_persons as (

    select * from {{ ref('int_visitor_persons') }}
    where {{ touched() }}

),

devices as (

    select
        person_id,
        device_type,
        row_number() over (partition by person_id order by sum(session_count) desc, device_type) as place
    from visitor_persons
    where device_type is not null
    group by person_id, device_type

),

countries as (

    select
        person_id,
        country,
        row_number() over (partition by person_id order by country_seen_at, country) as place
    from visitor_persons
    where country is not null

),

persons as (

    select
        person_id,
        cast(min(signed_up_at) as date) as signup_date,
        min(first_seen_at) as first_seen,
        max(last_seen_at) as last_seen,
        cast(sum(session_count) as bigint) as session_count,
        {{ sum_of_money('revenue') }} as lifetime_revenue
    from visitor_persons
    group by person_id

),

final as (

    select
        persons.person_id,
        countries.country,
        persons.signup_date,
        devices.device_type as device_preferences,
        persons.first_seen,
        persons.last_seen,
        persons.session_count,
        persons.lifetime_revenue
    from persons
    left join devices
        on persons.person_id = devices.person_id and devices.place = 1
    left join countries
        on persons.person_id = countries.person_id and countries.place = 1

)

select * from final
