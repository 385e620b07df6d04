{#
    Conditions on days, with literal dates: engines leave out the partitions of other days when they plan a statement.
    A statement may not grow with the number of days: more than a year of single days becomes whole months.
#}

{# Whether a date is one of some (sorted ISO texts), or, of more than a year of them, lies in one of their months. #}
{% macro in_dates(dates, column='event_date') -%}
    {%- if not dates -%}
        {{ return('false') }}
    {%- elif dates | length <= 366 -%}
        {{ return(column ~ " in (date '" ~ dates | join("', date '") ~ "')") }}
    {%- endif -%}
    {%- set months = [] -%}
    {%- for date in dates if date[:7] not in months -%}
        {%- do months.append(date[:7]) -%}
    {%- endfor -%}
    {%- set conditions = [column ~ " >= date '" ~ months[0] ~ "-01'", column ~ " <= date '" ~ dates[-1] ~ "'"] -%}
    {%- if months | length <= 120 -%}
        {%- do conditions.append(
            "substr(cast(" ~ column ~ " as varchar), 1, 7) in ('" ~ months | join("', '") ~ "')"
        ) -%}
    {%- endif -%}
    {{ return('(' ~ conditions | join(' and ') ~ ')') }}
{%- endmacro %}

{# Whether a time lies on one of some days, by the same rule. Whole days, whatever the precision a reader sees. #}
{% macro in_days(days, column) -%}
    {%- if not days -%}
        {{ return('false') }}
    {%- endif -%}
    {%- set ranges = [] -%}
    {%- if days | length <= 60 -%}
        {%- for day in days -%}
            {%- do ranges.append('(' ~ column ~ ' >= ' ~ midnight(day) ~ ' and ' ~ column ~ ' < ' ~ midnight(day, 1) ~ ')') -%}
        {%- endfor -%}
    {%- else -%}
        {%- do ranges.append(column ~ ' >= ' ~ midnight(days[0]) ~ ' and ' ~ column ~ ' < ' ~ midnight(days[-1], 1)) -%}
    {%- endif -%}
    {{ return('(' ~ ranges | join(' or ') ~ ')') }}
{%- endmacro %}

{#
    Whether a date is one of the last days up to the variable analysis_date; without it, up to the latest day that a table
    (`relation`) has in that column. For analyses.
#}
{% macro in_last_days(column, days, relation) -%}
    {%- if var('analysis_date') is none -%}
        {%- set last_day = '(select max(' ~ column ~ ') from ' ~ relation ~ ')' -%}
    {%- else -%}
        {%- set last_day = "date '" ~ shift_date(var('analysis_date') | string, 0) ~ "'" -%}
    {%- endif -%}
    ({{ column }} > {{ add_days(last_day, -days) }} and {{ column }} <= {{ last_day }})
{%- endmacro %}

{# All dates from one to another, as ISO texts (Jinja only). #}
{% macro dates_between(first, last) -%}
    {%- set dates = [] -%}
    {%- set start = modules.datetime.date.fromisoformat(first | string) -%}
    {%- for number in range((modules.datetime.date.fromisoformat(last | string) - start).days + 1) -%}
        {%- do dates.append((start + modules.datetime.timedelta(days=number)).isoformat()) -%}
    {%- endfor -%}
    {{ return(dates) }}
{%- endmacro %}

{# Dates, and the days around them up to a distance, sorted (Jinja only). #}
{% macro dates_around(dates, distance=1) -%}
    {%- set around = [] -%}
    {%- for date in dates -%}
        {%- do around.extend(dates_between(shift_date(date, -distance), shift_date(date, distance))) -%}
    {%- endfor -%}
    {{ return(around | unique | sort | list) }}
{%- endmacro %}

{# ISO text of the date some days after another (Jinja only). #}
{% macro shift_date(date, days) -%}
    {{ return((modules.datetime.date.fromisoformat(date) + modules.datetime.timedelta(days=days)).isoformat()) }}
{%- endmacro %}

{# The first instant (UTC) of the date some days after another, as SQL. #}
{% macro midnight(date, days=0) -%}
    {{ return("timestamp '" ~ shift_date(date, days) ~ " 00:00:00'") }}
{%- endmacro %}
