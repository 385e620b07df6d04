{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_id', 'lookups': ['int_sessions']},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

-- A session changes only with its events.
sessions as (

    select * from {{ ref('int_sessions') }}
    where
        {{ touched() }}
        and {{ touched(on='session_date') }}

),

ordered as (

    select
        *,
        lead(event_timestamp) over (
            partition by session_id
            order by event_timestamp, event_id
        ) as next_event_timestamp,
        -- The pages before and after, past events without a page.
        case when page_path is not null then lag(page_path) over (
            partition by session_id, page_path is not null
            order by event_timestamp, event_id
        ) end as previous_page_path,
        case when page_path is not null then lead(page_path) over (
            partition by session_id, page_path is not null
            order by event_timestamp, event_id
        ) end as next_page_path
    from events

),

with_gaps as (

    select
        *,
        {{ microseconds_between('event_timestamp', 'next_event_timestamp') }} as gap_microseconds
    from ordered

),

final as (

    select
        with_gaps.event_id,
        with_gaps.event_date,
        with_gaps.visitor_id,
        with_gaps.session_id,
        sessions.session_date,
        with_gaps.event_action,
        with_gaps.page_path,
        with_gaps.previous_page_path,
        with_gaps.next_page_path,
        with_gaps.space_id is not null as has_space,
        with_gaps.referrer_host is not null as has_external_referrer,
        with_gaps.is_session_start,
        with_gaps.next_event_timestamp is null as is_session_end,
        case
            when with_gaps.next_event_timestamp is null then 0
            when with_gaps.gap_microseconds > {{ var('engaged_gap_seconds') }} * 1000000
                then {{ var('engaged_gap_seconds') }} * 1000000
            else with_gaps.gap_microseconds
        end as engaged_microseconds,
        sessions.event_count as session_event_count,
        sessions.page_view_count as session_page_view_count,
        sessions.is_converted as is_session_converted
    from with_gaps
    inner join sessions
        on with_gaps.session_id = sessions.session_id

)

select * from final
