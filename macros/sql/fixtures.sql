{# Whether what is compiled is a unit test: it sees values that it names, and no variable's table or key. #}
{% macro in_unit_test() -%}
    {{ return(model is defined and model.resource_type == 'unit_test') }}
{%- endmacro %}

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

{#
    Where a unit test looks up the types of its model's columns: in the model's table when that has all that the test
    expects. dbt plans the model's SELECT for that, which takes Trino seconds.
#}
{% macro trino__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {%- if in_unit_test() and model.config.expected_rows -%}
        {%- set name = model.tested_node_unique_id.split('.')[-1] -%}
        {%- set relation = adapter.get_relation(model.database, model.schema, name) -%}
        {%- set there = adapter.get_columns_in_relation(relation) | map(attribute='name') | list if relation else [] -%}
        {%- if model.config.expected_rows[0] | reject('in', there) | list == [] -%}
            {{ return('select * from ' ~ relation ~ ' where false') }}
        {%- endif -%}
    {%- endif -%}
    {{ return(dbt.default__get_empty_subquery_sql(select_sql, select_sql_header)) }}
{%- endmacro %}

{% macro athena__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {{ return(trino__get_empty_subquery_sql(select_sql, select_sql_header)) }}
{%- endmacro %}
