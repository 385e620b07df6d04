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


{# A list whose elements are replaced by an expression of `element`, their name in it. #}
{% macro changed_elements(list, element, expression) -%}
    {{ return(adapter.dispatch('changed_elements')(list, element, expression)) }}
{%- endmacro %}

{% macro default__changed_elements(list, element, expression) -%}
    transform({{ list }}, {{ element }} -> {{ expression }})
{%- endmacro %}

{% macro duckdb__changed_elements(list, element, expression) -%}
    list_transform({{ list }}, lambda {{ element }}: {{ expression }})
{%- endmacro %}


{#
    One row per element of a column that holds lists of structs: the columns `kept`, each field of the element under its
    name, and its place in the list from 1 as list_position. `fields` are (name, type).
#}
{% macro rows_of_list(relation, list, fields, kept) -%}
    {{ return(adapter.dispatch('rows_of_list')(relation, list, fields, kept)) }}
{%- endmacro %}

{% macro default__rows_of_list(relation, list, fields, kept) -%}
    select
        {% for column in kept -%}
        {{ relation }}.{{ column }},
        {% endfor -%}
        {% for name, type in fields -%}
        element.{{ name }},
        {% endfor -%}
        element.list_position
    from {{ relation }}
    cross join unnest({{ relation }}.{{ list }}) with ordinality
        as element ({{ fields | map(attribute=0) | join(', ') }}, list_position)
{%- endmacro %}

{% macro duckdb__rows_of_list(relation, list, fields, kept) -%}
    select
        {% for column in kept -%}
        {{ column }},
        {% endfor -%}
        {% for name, type in fields -%}
        element.{{ name }} as {{ name }},
        {% endfor -%}
        list_position
    from (
        select
            {{ kept | join(', ') }},
            unnest({{ list }}) as element,
            generate_subscripts({{ list }}, 1) as list_position
        from {{ relation }}
    ) as elements
{%- endmacro %}
