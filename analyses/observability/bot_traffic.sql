with

final as (

    select
        session_date,
        bot_reason,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        sum(event_count) as events
    from {{ ref('fct_sessions') }}
    where
        is_bot
        and {{ in_last_days('session_date', 30, ref('fct_sessions')) }}
    group by session_date, bot_reason

)

select * from final
order by session_date, bot_reason
