{#
    What the new batches can change, beyond their own rows. Each answer is a superset that follows from staging
    (append-only) and the new batches alone, so it is the same however often a run is repeated.
#}

{#
    Every staged copy of the events that have a copy in the new batches (columns event_id, event_date, visitor_id,
    event_timestamp, product_id). The kept copy may be any of them, before and after the batches, so these are all
    visitors and times at which an event can appear, move or vanish.
#}
{% macro touched_copies(new) -%}
    select
        copies.event_id,
        copies.event_date,
        copies.visitor_id,
        copies.event_timestamp,
        copies.product_id
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


{# The dates on which touched sessions have events, and those that the new batches touch, as ISO texts. #}
{% macro session_dates(relation, new, date_column=none) -%}
    {#- Rendered first: dbt must see what it refers to also when there is nothing to do. -#}
    {%- set sessions = touched_sessions(relation, new, date_column) -%}
    {%- if new.everything or not new.event_dates -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set query -%}
        select distinct
            cast(cast(session_start_at as date) as varchar) as first_date,
            cast(cast(session_end_at as date) as varchar) as last_date
        from ({{ sessions }}) as sessions
    {%- endset -%}
    {%- set dates = [] -%}
    {%- do dates.extend(new.event_dates) -%}
    {%- for row in run_query(query).rows -%}
        {%- do dates.extend(dates_between(row[0], row[1])) -%}
    {%- endfor -%}
    {{ return(dates | unique | sort | list) }}
{%- endmacro %}


{# Whether a date is one of some (ISO texts): literal dates, so that engines prune. #}
{% macro in_dates(dates, column='event_date') -%}
    {%- if not dates -%}
        false
    {%- else -%}
        {{ column }} in (date '{{ dates | join("', date '") }}')
    {%- endif -%}
{%- endmacro %}


{# Whether a date lies within a day of those that the new batches touch. #}
{% macro near_event_dates(new, column='event_date') -%}
    {%- set dates = [] -%}
    {%- for date in new.event_dates -%}
        {%- do dates.extend(dates_between(shift_date(date, -1), shift_date(date, 1))) -%}
    {%- endfor -%}
    {{ in_dates(dates | unique | sort | list, column) }}
{%- endmacro %}


{# All dates from one to another, as ISO texts (Jinja only). #}
{% macro dates_between(first, last) -%}
    {%- set found = namespace(dates=[first]) -%}
    {%- for _ in range((modules.datetime.date.fromisoformat(last) - modules.datetime.date.fromisoformat(first)).days) -%}
        {%- set found.dates = found.dates + [shift_date(found.dates | last, 1)] -%}
    {%- endfor -%}
    {{ return(found.dates) }}
{%- endmacro %}


{# ISO text of the date some days after another (Jinja only). #}
{% macro shift_date(date, days) -%}
    {{ return((modules.datetime.date.fromisoformat(date) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}

{% macro midnight(date, days=0) -%}
    timestamp '{{ shift_date(date, days) }} 00:00:00'
{%- endmacro %}
