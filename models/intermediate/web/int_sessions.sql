{{
    config(
        partitioned_by=['session_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

ordered as (

    select
        *,
        case when page_path is not null then row_number() over (
            partition by session_id, page_path is not null
            order by event_timestamp, event_id
        ) end as page_number,
        case when page_path is not null then row_number() over (
            partition by session_id, page_path is not null
            order by event_timestamp desc, event_id desc
        ) end as page_number_from_end,
        case when user_id is not null then row_number() over (
            partition by session_id, user_id is not null
            order by event_timestamp desc, event_id desc
        ) end as login_number_from_end
    from events

),

sessions as (

    select
        session_id,
        visitor_id,
        max(anonymous_id) as anonymous_id,
        max(case when login_number_from_end = 1 then user_id end) as user_id,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at,
        count(*) as event_count,
        count(case when event_action in ('page_view', 'screen_view', 'space_view') then 1 end) as page_view_count,
        max(case when page_number = 1 then page_path end) as entry_page,
        max(case when page_number_from_end = 1 then page_path end) as exit_page,
        max(case when event_action = 'purchase' then 1 else 0 end) = 1 as is_converted
    from ordered
    group by session_id, visitor_id

),

final as (

    select
        session_id,
        visitor_id,
        anonymous_id,
        user_id,
        session_start_at,
        session_end_at,
        cast(session_start_at as date) as session_date,
        {{ seconds_between('session_start_at', 'session_end_at') }} as duration_seconds,
        event_count,
        page_view_count,
        entry_page,
        exit_page,
        event_count = 1 as is_bounce,
        is_converted
    from sessions

)

select * from final
