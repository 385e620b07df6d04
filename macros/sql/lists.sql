{# Lists: in the lake they are empty, not null, where there is nothing: compaction by pyiceberg does not keep the difference. #}

{# The number of elements; 0 for null. #}
{% macro list_length(list) -%}
    {{ return(adapter.dispatch('list_length')(list)) }}
{%- endmacro %}

{% macro default__list_length(list) -%}
    {{ return('coalesce(cardinality(' ~ list ~ '), 0)') }}
{%- endmacro %}

{% macro duckdb__list_length(list) -%}
    {{ return('coalesce(len(' ~ list ~ '), 0)') }}
{%- endmacro %}


{# A list, empty instead of null. #}
{% macro list_or_empty(list) -%}
    {{ return(adapter.dispatch('list_or_empty')(list)) }}
{%- endmacro %}

{% macro default__list_or_empty(list) -%}
    {{ return('coalesce(' ~ list ~ ', array[])') }}
{%- endmacro %}

{% macro duckdb__list_or_empty(list) -%}
    {{ return('coalesce(' ~ list ~ ', [])') }}
{%- endmacro %}
