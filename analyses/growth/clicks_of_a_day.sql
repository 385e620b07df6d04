with

final as (

    select
        event_id as click_id,
        user_id,
        session_id,
        event_type,
        event_timestamp,
        device_type,
        page_url,
        referrer_url
    from {{ ref('fct_web_events') }}
    where {{ in_last_days('event_date', 1, ref('fct_web_events')) }}

)

select * from final
order by event_timestamp, click_id, session_id
