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

{# dbt-trino would keep what an incremental model computed in a view; the lakehouse's catalog has none. #}
{% macro get_incremental_tmp_relation_type(strategy, unique_key, language) -%}
    {{ return('table') }}
{%- endmacro %}

{# Unit tests write the times of their YAML with a T, which Trino's cast does not read. #}
{% macro trino__safe_cast(field, type) -%}
    {%- if type.startswith('timestamp') and modules.re.match("'[0-9-]{10}T", field | string) -%}
        {%- set field = field.replace('T', ' ') -%}
    {%- endif -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}

{# When a snapshot sees a state: UTC without zone, as all timestamps of the lake. #}
{% macro trino__snapshot_get_time() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp(6))
{%- endmacro %}
