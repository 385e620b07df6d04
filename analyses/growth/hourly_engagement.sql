with

final as (

    select
        extract(hour from event_timestamp) as event_hour,
        count(*) as events,
        count(distinct session_id) as sessions,
        count(distinct visitor_id) as visitors
    from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ in_last_days('event_date', 7, ref('fct_web_events')) }}
    group by extract(hour from event_timestamp)

)

select * from final
order by event_hour
