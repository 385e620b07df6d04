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

{#
    The relation from which a node of the graph is read by name, as ref would: its own, or the one that `dbt … --defer`
    puts in the place of a table that is not in this schema; none where there is neither.
#}
{% macro relation_to_read(node) -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {%- if relation is none and node.get('defer_relation') -%}
        {%- set other = node.defer_relation -%}
        {%- set relation = adapter.get_relation(other.database, other.schema, other.alias) -%}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
