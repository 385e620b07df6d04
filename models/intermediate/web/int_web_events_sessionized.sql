{{
    config(
        unique_key=['event_id', 'event_date'],
        partitioned_by=['event_date'],
        meta={'replaces': 'touched_identities'},
    )
}}

{%- set new = new_batches() %}
{%- set dates = session_dates(this, new, 'event_date') %}

with

events as (

    select * from {{ ref('int_web_events_deduplicated') }}
    {% if not new.everything %}
    where {{ in_dates(dates) }}
    {% endif %}

),

{% if not new.everything %}
touched_events as (

    select distinct
        event_id,
        event_date
    from ({{ touched_copies(new) }}) as copies

),

touched_sessions as (

    {{ touched_sessions(this, new, 'event_date') }}

),
{% endif %}

-- New events and all events of the sessions within their reach; other sessions stay as they are.
events_to_sessionize as (

    select events.*
    from events
    {% if not new.everything %}
    left join touched_events
        on events.event_id = touched_events.event_id and events.event_date = touched_events.event_date
    left join touched_sessions
        on
            events.visitor_id = touched_sessions.visitor_id
            and events.event_timestamp between touched_sessions.session_start_at and touched_sessions.session_end_at
    where touched_events.event_id is not null or touched_sessions.session_id is not null
    {% endif %}

),

with_previous as (

    select
        *,
        lag(event_timestamp) over (
            partition by visitor_id
            order by event_timestamp, event_id
        ) as previous_event_timestamp
    from events_to_sessionize

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
        {{ dbt.hash(dbt.concat([
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
