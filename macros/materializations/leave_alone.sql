{#
    An incremental model for which nothing is new is left alone: no temporary table, no statement, no commit. On Athena
    each of them would take a second and have its price.

    A model is built as its adapter builds it when a batch is new to it, and when its table lacks a column that its
    YAML describes (on_schema_change adds it). Models that say nothing with meta.replaces are always built.
#}

{% materialization incremental, adapter='duckdb' %}
    {{ return(left_alone() or dbt.materialization_incremental_duckdb()) }}
{% endmaterialization %}

{% materialization incremental, adapter='trino' %}
    {{ return(left_alone() or dbt.materialization_incremental_trino()) }}
{% endmaterialization %}


{# Athena's materialization (athena_tables.sql) asks nothing_is_new by itself. #}
{% macro nothing_is_new() -%}
    {{ return(is_incremental() and not has_new_batches() and not lacks_columns()) }}
{%- endmacro %}


{# What a materialization returns when there is nothing to do, else none. #}
{% macro left_alone() -%}
    {%- if not nothing_is_new() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- call noop_statement('main', 'NOTHING NEW') -%}{%- endcall -%}
    {{ return({'relations': [this]}) }}
{%- endmacro %}


{# Whether a batch is new to the model, by the question that its meta.replaces asks. #}
{% macro has_new_batches() -%}
    {%- set meta = config.get('meta', {}) -%}
    {%- set dataset = meta.get('dataset', 'web_events') -%}
    {%- if meta.get('replaces') == 'new_raw_batches' -%}
        {{ return(new_raw_batches(dataset).batches | length > 0) }}
    {%- elif meta.get('replaces') -%}
        {{ return(new_batches(dataset).batches | length > 0) }}
    {%- else -%}
        {{ return(true) }}
    {%- endif -%}
{%- endmacro %}


{# Whether the model's table does not have every column that its YAML describes. #}
{% macro lacks_columns() -%}
    {%- set existing = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list -%}
    {{ return(model.columns.keys() | map('lower') | reject('in', existing) | list | length > 0) }}
{%- endmacro %}
