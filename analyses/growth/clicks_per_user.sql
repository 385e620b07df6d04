with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ in_last_days('event_date', 30, ref('fct_web_events')) }}

),

visitors as (

    select * from {{ ref('dim_visitors') }}

),

users as (

    select * from {{ ref('dim_users') }}

),

clicks as (

    select
        coalesce(events.user_id, visitors.person_id) as user_id,
        events.event_date as click_date,
        count(*) as clicks_per_user
    from events
    inner join visitors
        on events.visitor_id = visitors.visitor_id
    group by coalesce(events.user_id, visitors.person_id), events.event_date

),

final as (

    select
        users.country,
        clicks.user_id,
        clicks.clicks_per_user,
        clicks.click_date
    from clicks
    left join users
        on clicks.user_id = users.person_id

)

select * from final
order by clicks_per_user desc, user_id asc, click_date asc
