{#
    What `dbt docs generate` asks of the local lakehouse: the columns of all tables. Of an Iceberg table DuckDB knows the
    columns only once it was asked for them, and tells of one column `__` before: so each table is asked first.
#}

{% macro duckdb__get_catalog(information_schema, schemas) -%}
    {%- do load_columns(information_schema, schemas) -%}
    {{ return(dbt.duckdb__get_catalog(information_schema, schemas)) }}
{%- endmacro %}

{% macro duckdb__get_catalog_relations(information_schema, relations) -%}
    {%- do load_columns(information_schema, relations | map(attribute='schema') | unique) -%}
    {{ return(dbt.duckdb__get_catalog_relations(information_schema, relations)) }}
{%- endmacro %}

{# Ask each table of some schemas for nothing, so that DuckDB knows its columns. #}
{% macro load_columns(information_schema, schemas) -%}
    {%- for schema in schemas -%}
        {%- set relation = api.Relation.create(database=information_schema.database, schema=schema) -%}
        {%- for name in run_query(tables_of_schema(relation)).columns[0] -%}
            {%- do run_query('describe ' ~ relation.incorporate(path={'identifier': name})) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
