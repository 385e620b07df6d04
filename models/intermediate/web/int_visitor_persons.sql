{{ config(meta={'rebuild_by': 'visitor_id'}) }}

with

sessions as (

    select * from {{ ref('fct_sessions') }}
    where {{ touched() }}

),

visitors as (

    select * from {{ ref('dim_visitors') }}
    where {{ touched() }}

),

sessions_of_persons as (

    select
        sessions.*,
        coalesce(sessions.user_id, visitors.person_id) as person_id
    from sessions
    inner join visitors
        on sessions.visitor_id = visitors.visitor_id

),

final as (

    select
        visitor_id,
        person_id,
        device_type,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at,
        min(signed_up_at) as signed_up_at,
        min_by(country, case when country is not null then session_start_at end) as country,
        min(case when country is not null then session_start_at end) as country_seen_at,
        count(*) as session_count,
        {{ sum_of_money('revenue') }} as revenue
    from sessions_of_persons
    group by visitor_id, person_id, device_type

)

select * from final
