{#
    How tables are made and swapped on the local Iceberg lakehouse (dbt-duckdb).

    Differences from dbt-duckdb's own macros, each needed by DuckDB's Iceberg catalog:
    no CASCADE, no COMMENT ON, partitions and properties in CREATE TABLE, a new location for each creation
    (a table that is dropped and made again may not find its old files), and renames in a transaction of their own.
#}

{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(compiled_code) }}
        {%- set compiled_code = get_select_subquery(compiled_code) -%}
    {%- endif -%}
    {%- if temporary -%}
        create temporary table {{ relation.include(database=false, schema=false) }} as (
            {{ compiled_code }}
        )
    {%- else -%}
        create table {{ relation }}
        {% if config.get('partitioned_by') -%}
            {#- bucket(column, 8) is bucket(8, column) here. #}
            partitioned by ({{ modules.re.sub('(bucket)[(](\\w+), *([0-9]+)[)]', '\\1(\\3, \\2)', config.get('partitioned_by') | join(', ')) }})
        {%- endif %}
        with ({{ lake_table_properties(relation) }})
        as (
            {{ compiled_code }}
        )
    {%- endif -%}
{%- endmacro %}

{# Format v2, a location of its own, and old metadata files deleted with each commit. #}
{% macro lake_table_properties(relation) -%}
    'format-version' = '2',
    'location' = 's3://warehouse/{{ relation.schema }}/{{ relation.identifier }}-{{ local_md5(invocation_id ~ modules.datetime.datetime.now()) }}',
    'write.metadata.delete-after-commit.enabled' = 'true',
    'write.metadata.previous-versions-max' = '20'
{%- endmacro %}

{% macro duckdb__drop_relation(relation) -%}
    {% call statement('drop_relation', auto_begin=false) -%}
        drop {{ relation.type }} if exists {{ relation }}
    {%- endcall %}
{%- endmacro %}

{#
    No transaction of the catalog has both a rename and what made the table. The two renames of a swap are one: DuckDB
    sends them when the second commits, so that between them is no more than a request.
#}
{% macro duckdb__rename_relation(from_relation, to_relation) -%}
    {%- set begins_swap = to_relation.identifier == make_backup_relation(from_relation, 'table').identifier -%}
    {%- set ends_swap = load_cached_relation(make_backup_relation(to_relation, 'table')) is not none -%}
    {%- if not ends_swap -%}
        {% do adapter.commit() %}
    {%- endif -%}
    {% call statement('rename_relation') -%}
        alter table {{ from_relation }} rename to {{ adapter.quote(to_relation.identifier) }}
    {%- endcall %}
    {%- if not begins_swap -%}
        {% do adapter.commit() %}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__get_partitioned_by(relation, temporary) -%}
    {#- Partitions are part of CREATE TABLE here, not an ALTER TABLE after it. -#}
    {{ return(none) }}
{%- endmacro %}

{% macro duckdb__alter_relation_comment(relation, relation_comment) -%}
{%- endmacro %}

{% macro duckdb__alter_column_comment(relation, column_dict) -%}
{%- endmacro %}

{% macro duckdb__create_csv_table(model, agate_table) -%}
    {%- set types = config.get('column_types', {}) -%}
    {% set sql %}
        create table {{ this.render() }} (
            {%- for name in agate_table.column_names %}
            {{ adapter.quote(name) }} {{ types.get(name, adapter.convert_type(agate_table, loop.index0)) }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        )
        with ({{ lake_table_properties(this) }})
    {% endset %}
    {% call statement('_') -%}
        {{ sql }}
    {%- endcall %}
    {{ return(sql) }}
{%- endmacro %}

{% macro duckdb__create_whole_table(relation, sql) -%}
    {%- call statement('main') -%}
        {{ create_table_as(false, relation, sql) }}
    {%- endcall -%}
{%- endmacro %}

{% macro default__swap_whole_table(relation, sql) -%}
    {%- set new_relation = make_intermediate_relation(relation) -%}
    {%- set old_relation = make_backup_relation(relation, 'table') -%}
    {%- do drop_relation_if_exists(load_cached_relation(new_relation)) -%}
    {%- do drop_relation_if_exists(load_cached_relation(old_relation)) -%}
    {%- call statement('main') -%}
        {{ create_table_as(false, new_relation, sql) }}
    {%- endcall -%}
    {%- do adapter.rename_relation(relation, old_relation) -%}
    {%- do adapter.rename_relation(new_relation, relation) -%}
    {%- do adapter.drop_relation(old_relation) -%}
{%- endmacro %}

{% macro duckdb__make_kept_rows(relation, sql) -%}
    {%- do run_query('create or replace temporary table ' ~ relation.include(database=false, schema=false) ~ ' as (' ~ sql ~ ')') -%}
{%- endmacro %}

{# Temporary tables go with the connection. #}
{% macro duckdb__drop_kept_rows() -%}
{%- endmacro %}

{% macro duckdb__write_rows(plan, target, computed, changed, columns, sql) -%}
    {%- set statements = replace_rows_sql(plan, target, computed, changed, columns) -%}
    {#- The statements are one transaction of their own. -#}
    {%- do adapter.commit() -%}
    {%- call statement('main') -%}
        {{ statements }}
    {%- endcall -%}
    {#- target/run shows all that was sent. -#}
    {%- do write('create temporary table ' ~ computed ~ ' as (' ~ sql ~ ');\n' ~ statements) -%}
{%- endmacro %}

{% macro default__after_model_table(relation) -%}
{%- endmacro %}
