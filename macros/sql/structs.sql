{# A struct out of (name, expression, type) triples. #}
{% macro named_struct(fields) -%}
    {{ return(adapter.dispatch('named_struct')(fields)) }}
{%- endmacro %}

{% macro default__named_struct(fields) -%}
    cast(
        row({% for name, expression, type in fields %}{{ expression }}{{ ', ' if not loop.last }}{% endfor %})
        as row({% for name, expression, type in fields %}{{ name }} {{ type }}{{ ', ' if not loop.last }}{% endfor %})
    )
{%- endmacro %}

{% macro duckdb__named_struct(fields) -%}
    struct_pack(
        {%- for name, expression, type in fields -%}
        {{ name }} := cast({{ expression }} as {{ type }}){{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}
