{# Days between dates, and the weeks that they lie in. #}

{# The Monday with which a date's week begins. #}
{% macro monday_of(date) -%}
    cast(date_trunc('week', {{ date }}) as date)
{%- endmacro %}


{# Whole days from one date to another. #}
{% macro days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}


{# A list of the whole numbers from 0 to the days between two dates; none where a date is null. #}
{% macro day_numbers(first, last) -%}
    {{ return(adapter.dispatch('day_numbers')(first, last)) }}
{%- endmacro %}

{% macro default__day_numbers(first, last) -%}
    {#- Trino's sequence has 10,000 numbers at most, 27 years of days. -#}
    {%- set days = days_between(first, last) %}
    flatten(
        transform(
            sequence(0, {{ days }} / 5000),
            part -> sequence(part * 5000, least(part * 5000 + 4999, {{ days }}))
        )
    )
{%- endmacro %}

{% macro duckdb__day_numbers(first, last) -%}
    generate_series(0, {{ days_between(first, last) }})
{%- endmacro %}
