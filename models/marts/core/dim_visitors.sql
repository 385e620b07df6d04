{{
    config(
        unique_key='visitor_id',
        meta={'rebuild_by': 'visitor_id'},
    )
}}

with

sessions as (

    select * from {{ ref('fct_sessions') }}
    where {{ touched() }}

),

-- Of what only some sessions know, the first or the last one that does.
visitors as (

    select
        visitor_id,
        max(anonymous_id) as anonymous_id,
        max_by(user_id, case when user_id is not null then session_number end) as user_id,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at,
        count(*) as session_count,
        max(case when session_number = 1 then channel end) as first_channel,
        min_by(device_type, case when device_type is not null then session_number end) as first_device_type,
        min_by(country, case when country is not null then session_number end) as country,
        {{ sum_of_money('revenue') }} as lifetime_revenue
    from sessions
    group by visitor_id

),

final as (

    select
        visitor_id,
        coalesce(user_id, visitor_id) as person_id,
        anonymous_id,
        user_id,
        first_seen_at,
        last_seen_at,
        session_count,
        first_channel,
        first_device_type,
        country,
        lifetime_revenue
    from visitors

)

select * from final
