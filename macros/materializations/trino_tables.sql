{#
    How tables are made on Trino (dbt-trino): Iceberg v2, partitioned by the model's `partitioned_by`, in one commit.
    A location of its own for each creation is a property of the catalog (iceberg.unique-table-location).
#}

{% macro trino__create_table_as(temporary, relation, sql, on_exists=none) -%}
    {%- if config.get('contract').enforced -%}
        {#- dbt-trino would create an empty table and insert: two commits. -#}
        {{ get_assert_columns_equivalent(sql) }}
        {%- set sql = get_select_subquery(sql) -%}
    {%- endif -%}
    create table {{ relation }}
    with (
        {%- if config.get('partitioned_by') and not temporary %}
        partitioning = array['{{ config.get('partitioned_by') | join("', '") }}'],
        {%- endif %}
        format_version = 2
    )
    as (
        {{ sql }}
    )
{%- endmacro %}

{# Unit tests write the times of their YAML with a T, which Trino's cast does not read. #}
{% macro trino__safe_cast(field, type) -%}
    {%- if type.startswith('timestamp') and modules.re.match("'[0-9-]{10}T", field | string) -%}
        {%- set field = field.replace('T', ' ') -%}
    {%- elif type.startswith(('array', 'row')) and (field | string).startswith(("'[", "'{")) -%}
        {#- A list or an object in a unit test is JSON, which DuckDB casts by itself. -#}
        {%- set field = 'json_parse(' ~ field ~ ')' -%}
    {%- endif -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}

{# When a snapshot sees a state: UTC without zone, as all timestamps of the lake. #}
{% macro trino__snapshot_get_time() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp(6))
{%- endmacro %}

{% macro default__create_whole_table(relation, sql) -%}
    {%- call statement('main') -%}
        {{ create_table_as(false, relation, sql) }}
    {%- endcall -%}
{%- endmacro %}

{% macro default__make_kept_rows(relation, sql) -%}
    {%- do drop_relation_if_exists(load_cached_relation(relation)) -%}
    {%- do run_query('create table ' ~ relation ~ ' with (format_version = 2) as ' ~ sql) -%}
    {%- do run_books().setdefault('kept_rows', {}).setdefault(model.name, []).append(relation) -%}
{%- endmacro %}

{% macro default__drop_kept_rows() -%}
    {%- for relation in run_books().get('kept_rows', {}).get(model.name, []) -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro default__write_rows(plan, target, computed, changed, columns, sql) -%}
    {%- call statement('main') -%}
        {{ replace_rows_sql(plan, target, computed, changed, columns) }}
    {%- endcall -%}
{%- endmacro %}
