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

logins as (

    select
        visitor_id,
        user_id,
        row_number() over (
            partition by visitor_id
            order by session_start_at desc
        ) as recency
    from sessions
    where user_id is not null

),

visitors as (

    select
        visitor_id,
        max(anonymous_id) as anonymous_id,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at,
        count(*) as session_count
    from sessions
    group by visitor_id

),

final as (

    select
        visitors.visitor_id,
        coalesce(logins.user_id, visitors.visitor_id) as person_id,
        visitors.anonymous_id,
        logins.user_id,
        visitors.first_seen_at,
        visitors.last_seen_at,
        visitors.session_count
    from visitors
    left join logins
        on visitors.visitor_id = logins.visitor_id and logins.recency = 1

)

select * from final
