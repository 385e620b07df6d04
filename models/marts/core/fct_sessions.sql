{{
    config(
        unique_key='session_id',
        partitioned_by=['session_date'],
        meta={'replaces': 'touched_sessions'},
    )
}}

{%- set new = new_batches() %}
{%- set sessionized = ref('int_web_events_sessionized') %}
{%- set dates = session_dates(sessionized, new, 'event_date') %}

with

events as (

    select events.* from {{ ref('fct_web_events') }} as events
    {% if not new.everything %}
    inner join ({{ touched_sessions(sessionized, new, 'event_date') }}) as touched
        on events.visitor_id = touched.visitor_id and events.session_id = touched.session_id
    where {{ in_dates(dates, 'events.event_date') }}
    {% endif %}

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

rebuilt_sessions as (

    select
        session_id,
        visitor_id,
        max(anonymous_id) as anonymous_id,
        max(case when login_number_from_end = 1 then user_id end) as user_id,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at,
        count(*) as event_count,
        count(case when event_type in ('page', 'page_view') then 1 end) as page_view_count,
        max(case when page_number = 1 then page_path end) as entry_page,
        max(case when page_number_from_end = 1 then page_path end) as exit_page,
        max(case when event_type = 'purchase' then 1 else 0 end) = 1 as is_converted
    from ordered
    group by session_id, visitor_id

),

{% if not new.everything %}
-- A session that comes or goes moves the numbers of its visitor's later ones.
kept_sessions as (

    select kept.* from {{ this }} as kept
    where
        kept.visitor_id in (select visitor_id from ({{ touched_copies(new) }}) as touched)
        and kept.session_id not in (select session_id from rebuilt_sessions)
        and kept.session_id not in (select session_id from ({{ touched_sessions(this, new) }}) as touched)

),
{% endif %}

visitor_sessions as (

    select
        *,
        cast(null as bigint) as stored_session_number
    from rebuilt_sessions
    {% if not new.everything %}
    union all
    select
        session_id,
        visitor_id,
        anonymous_id,
        user_id,
        session_start_at,
        session_end_at,
        event_count,
        page_view_count,
        entry_page,
        exit_page,
        is_converted,
        session_number as stored_session_number
    from kept_sessions
    {% endif %}

),

numbered as (

    select
        *,
        row_number() over (partition by visitor_id order by session_start_at) as session_number
    from visitor_sessions

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
        session_number,
        {{ seconds_between('session_start_at', 'session_end_at') }} as duration_seconds,
        event_count,
        page_view_count,
        entry_page,
        exit_page,
        event_count = 1 as is_bounce,
        is_converted
    from numbered
    where stored_session_number is null or stored_session_number <> session_number

)

select * from final
