{# A query of the names of a schema's tables (table_name). #}
{% macro tables_of_schema(schema) -%}
    {{ return(adapter.dispatch('tables_of_schema')(schema)) }}
{%- endmacro %}

{% macro default__tables_of_schema(schema) -%}
    {{ return(
        'select table_name from ' ~ schema.database ~ ".information_schema.tables where table_schema = '"
        ~ schema.schema ~ "'"
    ) }}
{%- endmacro %}

{% macro duckdb__tables_of_schema(schema) -%}
    {{ return(
        "select table_name from system.information_schema.tables where table_catalog = '" ~ schema.database
        ~ "' and table_schema = '" ~ schema.schema ~ "'"
    ) }}
{%- endmacro %}
