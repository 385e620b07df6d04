{# Window functions that the engines write differently. #}

{# The last value up to this row that is not null, in a window `over` with an order. #}
{% macro last_known(value, over) -%}
    {{ return(adapter.dispatch('last_known')(value, over)) }}
{%- endmacro %}

{% macro default__last_known(value, over) -%}
    last_value({{ value }}) ignore nulls over ({{ over }} rows between unbounded preceding and current row)
{%- endmacro %}

{% macro duckdb__last_known(value, over) -%}
    last_value({{ value }} ignore nulls) over ({{ over }} rows between unbounded preceding and current row)
{%- endmacro %}
