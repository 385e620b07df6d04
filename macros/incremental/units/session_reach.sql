{#
    The unit of int_web_events_sessionized: the events of the sessions that a change can reach.

    Changed are the events that came, went or come from another record: the deduplicated events of the touched days and
    visitors, compared with the rows that are here. Reached are the sessions of their visitors that hold a changed
    event's time or end no further from it than the inactivity limit. Any other session keeps all its events, since none
    of them changed. It can't grow or join another either: for that an event would have to come within the limit of its
    first or last event; an unchanged one there would be part of the session already, and a changed one would have made
    it a reached one. So the changed events and all events of the reached sessions are made into sessions anew.

    The search reads the touched days and one day around them: a session that reaches a changed event has an event of
    its own within the limit of it.
#}
{% macro plan_of_session_reach(plan, before) -%}
    {%- set events = ref('int_web_events_deduplicated') -%}
    {%- set window = backfill_window() -%}
    {%- set limit = var('session_inactivity_minutes') -%}
    {%- set row = 'event_id, visitor_id, event_date, event_timestamp, source_uri, source_etag, source_position' -%}
    {%- set visitors = [] -%}
    {%- for change in plan.sets -%}
        {%- do visitors.append(values_of(change, 'visitor_id')) -%}
    {%- endfor -%}
    {%- set days = known_days(plan, ['event_date']).days.get('event_date', []) -%}
    {%- set where = in_dates(days) ~ ' and visitor_id in (' ~ visitors | join(' union all ') ~ ')' if visitors else 'false' -%}

    {%- set changed -%}
        select distinct event_id, visitor_id, event_date, event_timestamp
        from (
            (select {{ row }} from {{ events }} where {{ where }} except select {{ row }} from {{ before }} as old where {{ where }})
            union all
            (select {{ row }} from {{ before }} as old where {{ where }} except select {{ row }} from {{ events }} where {{ where }})
            {%- for change in plan.sets if change.model == model.name %}
            union all
            select {{ row }} from {{ change.rows }}
            {%- endfor %}
            {%- if window is not none %}
            union all
            select {{ row }} from {{ events }} where {{ in_window(window) }}
            union all
            select {{ row }} from {{ before }} as old where {{ in_window(window) }}
            {%- endif %}
        ) as rows_of_one_side
    {%- endset -%}
    {%- set changed_events = keep_rows('changed_events', changed) -%}
    {%- set days = days + (dates_between(window.first, window.last) if window is not none else []) -%}

    {%- set reached -%}
        select distinct sessions.visitor_id, sessions.session_start_at, sessions.session_end_at
        from {{ before }} as sessions
        inner join {{ changed_events }} as changed
            on
                sessions.visitor_id = changed.visitor_id
                and changed.event_timestamp
                between {{ subtract_minutes('sessions.session_start_at', limit) }}
                and {{ add_minutes('sessions.session_end_at', limit) }}
        where {{ in_dates(dates_around(days), 'sessions.event_date') }}
    {%- endset -%}
    {%- set reached_sessions = keep_rows('reached_sessions', reached) -%}
    {%- set spans = run_query(
        'select distinct cast(cast(session_start_at as date) as varchar) as first_date, '
        ~ 'cast(cast(session_end_at as date) as varchar) as last_date from ' ~ reached_sessions
    ).rows -%}
    {%- set all_days = days -%}
    {%- for span in spans -%}
        {%- do all_days.extend(dates_between(span[0], span[1])) -%}
    {%- endfor -%}
    {%- set all_days = all_days | unique | sort | list -%}

    {%- set touched -%}
        select event_id, visitor_id, event_date from {{ changed_events }}
        union
        select events.event_id, events.visitor_id, events.event_date
        from {{ events }} as events
        inner join {{ reached_sessions }} as reached
            on
                events.visitor_id = reached.visitor_id
                and events.event_timestamp between reached.session_start_at and reached.session_end_at
        where {{ in_dates(all_days, 'events.event_date') }}
    {%- endset -%}
    {%- do plan.update({
        'key': ['event_id', 'visitor_id', 'event_date'],
        'keys': 'select event_id, visitor_id, event_date from ' ~ keep_rows('touched_events', touched),
        'days': {'event_date': all_days},
        'nulls': [],
    }) -%}
    {{ return(plan) }}
{%- endmacro %}
