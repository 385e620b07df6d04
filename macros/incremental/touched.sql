{#
    What the new batches can change, beyond their own rows. Each answer is a superset that follows from staging
    (append-only) and the new batches alone, so it is the same however often a run is repeated.
#}

{#
    Every staged copy of the events that have a copy in the new batches (columns event_id, event_date, visitor_id,
    event_timestamp, product_id, loaded_at, source). The kept copy may be any of them, before and after the batches,
    so these are all visitors and times at which an event can appear, move or vanish.
#}
{% macro touched_copies(new) -%}
    select
        copies.event_id,
        copies.event_date,
        copies.visitor_id,
        copies.event_timestamp,
        copies.product_id,
        copies.loaded_at,
        copies.source
    from {{ ref('stg_web_events') }} as copies
    where
        copies.rejection_reason is null
        {%- if not new.everything %}
        and {{ in_event_dates(new, 'copies.event_date') }}
        and exists (
            select 1
            from {{ ref('stg_web_events') }} as fresh
            where
                {{ in_batches(new, 'fresh.batch_id') }}
                and {{ in_event_dates(new, 'fresh.event_date') }}
                and fresh.rejection_reason is null
                and fresh.event_id = copies.event_id
                and fresh.event_date = copies.event_date
        )
        {%- endif %}
{%- endmacro %}


{#
    The sessions of a relation that the new batches can extend, join, split or remove: those of a touched visitor
    with a touched event inside, or no further from them than the inactivity limit. Any other session keeps all its
    events, and every event within the limit of its ends is its own: it can't change.

    `relation` has visitor_id, session_id, session_start_at, session_end_at; `date_column` prunes it: a session that
    reaches a touched event has an event of its own within a day of it.
#}
{% macro touched_sessions(relation, new, date_column=none) -%}
    select distinct
        sessions.visitor_id,
        sessions.session_id,
        sessions.session_start_at,
        sessions.session_end_at
    from {{ relation }} as sessions
    inner join ({{ touched_copies(new) }}) as touched
        on
            sessions.visitor_id = touched.visitor_id
            and touched.event_timestamp
            between {{ subtract_minutes('sessions.session_start_at', var('session_inactivity_minutes')) }}
            and {{ add_minutes('sessions.session_end_at', var('session_inactivity_minutes')) }}
    {%- if not new.everything %}
    where
        {%- if date_column %}
        {{ near_event_dates(new, 'sessions.' ~ date_column) }}
        {%- elif not new.event_dates %}
        false
        {%- else %}
        sessions.session_end_at >= {{ midnight(new.event_dates | first, -1) }}
        and sessions.session_start_at < {{ midnight(new.event_dates | last, 2) }}
        {%- endif %}
    {%- endif %}
{%- endmacro %}


{# Literal bounds, for pruning, of the dates on which touched sessions have events: {'first', 'last'}. #}
{% macro session_dates(relation, new, date_column=none) -%}
    {#- Rendered first: dbt must see what it refers to also when there is nothing to do. -#}
    {%- set sessions = touched_sessions(relation, new, date_column) -%}
    {%- if new.everything or not new.event_dates -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        select
            cast(cast(min(session_start_at) as date) as varchar) as first_date,
            cast(cast(max(session_end_at) as date) as varchar) as last_date
        from ({{ sessions }}) as sessions
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {%- set dates = [new.event_dates | first, new.event_dates | last] + ([row[0], row[1]] if row[0] else []) -%}
    {{ return({'first': dates | min, 'last': dates | max}) }}
{%- endmacro %}


{# Whether a date lies within the bounds of session_dates. #}
{% macro in_session_dates(dates, column='event_date') -%}
    {{ column }} between date '{{ dates.first }}' and date '{{ dates.last }}'
{%- endmacro %}


{# Whether a date lies within a day of those that the new batches touch. #}
{% macro near_event_dates(new, column='event_date') -%}
    {%- if not new.event_dates -%}
        false
    {%- else -%}
        {{ column }} between date '{{ shift_date(new.event_dates | first, -1) }}'
        and date '{{ shift_date(new.event_dates | last, 1) }}'
    {%- endif -%}
{%- endmacro %}


{# ISO text of the date some days after another (Jinja only). #}
{% macro shift_date(date, days) -%}
    {%- set moved = modules.datetime.datetime.strptime(date, '%Y-%m-%d') + modules.datetime.timedelta(days=days) -%}
    {{ moved.strftime('%Y-%m-%d') }}
{%- endmacro %}

{% macro midnight(date, days=0) -%}
    timestamp '{{ shift_date(date, days) }} 00:00:00'
{%- endmacro %}


{# The dates on which any copy of a touched record was loaded, as ISO texts; none for all. #}
{% macro touched_load_dates(new) -%}
    {%- set copies = touched_copies(new) -%}
    {%- if new.everything -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        select cast(cast(loaded_at as date) as varchar) as load_date
        from ({{ copies }}) as copies
        union
        select cast(cast(loaded_at as date) as varchar) as load_date
        from {{ ref('stg_web_events') }}
        where {{ in_batches(new) }}
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | sort | list) }}
{%- endmacro %}

{# Whether a load time lies on one of these dates. #}
{% macro in_load_dates(load_dates, column='loaded_at') -%}
    {%- if load_dates is none -%}
        true
    {%- elif not load_dates -%}
        false
    {%- else -%}
        {{ column }} >= {{ midnight(load_dates | first) }}
        and {{ column }} < {{ midnight(load_dates | last, 1) }}
        and cast({{ column }} as date) in (date '{{ load_dates | join("', date '") }}')
    {%- endif -%}
{%- endmacro %}
