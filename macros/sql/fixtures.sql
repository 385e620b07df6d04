{#
    The rows that a unit test gives a model. Trino computes all that follows from constants while it plans a statement: row
    by row, without a limit of time, and falls over nullif(null, …) in a lambda. The elements of an unnested array are no
    constants to it.
#}
{% macro get_fixture_sql(rows, column_name_to_data_types) -%}
    {{ return(adapter.dispatch('get_fixture_sql')(rows, column_name_to_data_types)) }}
{%- endmacro %}

{% macro duckdb__get_fixture_sql(rows, column_name_to_data_types) -%}
    {{ return(dbt.get_fixture_sql(rows, column_name_to_data_types)) }}
{%- endmacro %}

{% macro default__get_fixture_sql(rows, column_name_to_data_types) -%}
    {%- if not rows -%}
        {{ return(dbt.get_fixture_sql(rows, column_name_to_data_types)) }}
    {%- endif -%}
    {%- set types = {} -%}
    {%- set names = [] -%}
    {%- for column in adapter.get_columns_in_relation(defer_relation if defer_relation and not load_relation(this) else this) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
        {%- do names.append(column.quoted) -%}
    {%- endfor -%}
    {%- if not types -%}
        {{ exceptions.raise_compiler_error(this ~ ', whose rows a unit test gives, is not there: build it first') }}
    {%- endif -%}
    {%- set row_texts = [] -%}
    {%- for row in rows -%}
        {%- set given = format_row(row, types) -%}
        {%- set values = [] -%}
        {%- for name, type in types.items() -%}
            {%- do values.append(given[name] if name in given else safe_cast('null', type)) -%}
        {%- endfor -%}
        {%- do row_texts.append('row(' ~ values | map('trim') | join(', ') ~ ')') -%}
    {%- endfor -%}
    select * from unnest(array[
        {{ row_texts | join(',\n        ') }}
    ]) as fixture ({{ names | join(', ') }})
{%- endmacro %}
