{#
    What the checks of one day say, raw records against facts:

        dbt run-operation validate_date --args '{date: 2026-01-05}'

    Fails when one of them is broken.
#}
{% macro validate_date(date) -%}
    {%- set day = "date '" ~ modules.datetime.date.fromisoformat(date | string).isoformat() ~ "'" -%}
    {%- set staged, facts, counts = ref('stg_web_events'), ref('fct_web_events'), ref('int_batch_counts') -%}
    {%- set checks = [
        (
            'records that are neither event, duplicate nor superseded',
            'select (select count(*) from ' ~ staged ~ ' where event_date = ' ~ day ~ ') - coalesce(sum(events + duplicates '
            ~ '+ superseded), 0) from ' ~ counts ~ ' where event_date = ' ~ day,
        ),
        (
            'events of the account that fct_web_events does not have',
            'select coalesce(sum(events), 0) - (select count(*) from ' ~ facts ~ ' where event_date = ' ~ day ~ ') from '
            ~ counts ~ ' where event_date = ' ~ day,
        ),
        (
            'events without id, visitor or session',
            'select count(*) from ' ~ facts ~ ' where event_date = ' ~ day
            ~ ' and (event_id is null or visitor_id is null or session_id is null)',
        ),
        (
            'events that are there twice',
            'select count(*) from (select event_id, visitor_id from ' ~ facts ~ ' where event_date = ' ~ day
            ~ ' group by event_id, visitor_id having count(*) > 1) as twice',
        ),
        (
            'events of a session that fct_sessions does not have',
            'select count(*) from ' ~ facts ~ ' where event_date = ' ~ day ~ ' and session_id not in (select session_id from '
            ~ ref('fct_sessions') ~ ')',
        ),
        (
            'an average score below ' ~ var('health_quality_score'),
            'select case when avg(data_quality_score) < ' ~ var('health_quality_score') ~ ' then 1 else 0 end from ' ~ facts
            ~ ' where not is_bot and event_date = ' ~ day,
        ),
    ] -%}
    {%- set broken = [] -%}
    {%- for what, query in checks -%}
        {%- set found = run_query(query).rows[0][0] | default(0, true) | int -%}
        {%- do broken.append(what) if found -%}
        {%- do log(date ~ ': ' ~ what ~ ': ' ~ (found if found else 'none'), info=true) -%}
    {%- endfor -%}
    {%- if broken -%}
        {{ exceptions.raise_compiler_error(date ~ ' has ' ~ broken | join('; ')) }}
    {%- endif -%}
{%- endmacro %}
