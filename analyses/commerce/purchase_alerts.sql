with

final as (

    select
        event_timestamp,
        event_id,
        visitor_id,
        user_id,
        channel,
        revenue
    from {{ ref('fct_web_events') }}
    where
        event_action = 'purchase'
        and not is_bot
        and {{ in_last_days('event_date', 1, ref('fct_web_events')) }}

)

select * from final
order by event_timestamp desc, event_id asc, visitor_id asc
