with

days as (

    select
        event_date,
        count(*) as events,
        count(user_id) as user_id_count,
        count(page_url) as page_url_count,
        count(user_agent) as user_agent_count,
        count(source_session_id) as source_session_id_count,
        count(event_action) as event_action_count
    from {{ ref('fct_web_events') }}
    where {{ in_last_days('event_date', 7, ref('fct_web_events')) }}
    group by event_date

),

final as (

    select
        event_date,
        events,
        {{ ratio('(events - user_id_count)', 'events') }} as user_id_null_share,
        {{ ratio('(events - page_url_count)', 'events') }} as page_url_null_share,
        {{ ratio('(events - user_agent_count)', 'events') }} as user_agent_null_share,
        {{ ratio('(events - source_session_id_count)', 'events') }} as source_session_id_null_share,
        {{ ratio('(events - event_action_count)', 'events') }} as event_action_null_share
    from days

)

select * from final
order by event_date
