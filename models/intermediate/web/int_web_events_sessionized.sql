{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_reach'},
    )
}}

with

-- In a run that finds the table: changed events, and all events of the sessions that they can reach.
events as (

    select * from {{ ref('int_web_events_deduplicated') }}
    where {{ touched() }}

),

with_previous as (

    select
        *,
        lag(event_timestamp) over (
            partition by visitor_id
            order by event_timestamp, event_id
        ) as previous_event_timestamp
    from events

),

with_starts as (

    select
        *,
        coalesce(
            event_timestamp > {{ add_minutes('previous_event_timestamp', var('session_inactivity_minutes')) }},
            true
        ) as is_session_start
    from with_previous

),

-- The start of an event's session is the latest start up to it.
with_session_starts as (

    select
        *,
        max(case when is_session_start then event_timestamp end) over (
            partition by visitor_id
            order by event_timestamp, event_id
            rows between unbounded preceding and current row
        ) as session_start_at
    from with_starts

),

final as (

    select
        event_id,
        event_date,
        event_timestamp,
        visitor_id,
        {{ dbt.hash(long_concat([
            'visitor_id', "'|'", 'cast(' ~ epoch_microseconds('session_start_at') ~ ' as varchar)',
        ])) }} as session_id,
        session_start_at,
        max(event_timestamp) over (partition by visitor_id, session_start_at) as session_end_at,
        is_session_start,
        source_uri,
        source_etag,
        source_position,
        loaded_at
    from with_session_starts

)

select * from final
