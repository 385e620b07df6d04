{# Iceberg's snapshots of a table. #}

{# A table as it was in a snapshot. #}
{% macro as_of(relation, snapshot_id) -%}
    {{ return(adapter.dispatch('as_of')(relation, snapshot_id)) }}
{%- endmacro %}

{% macro default__as_of(relation, snapshot_id) -%}
    {{ return('(select * from ' ~ relation ~ ' for version as of ' ~ snapshot_id ~ ')') }}
{%- endmacro %}

{% macro duckdb__as_of(relation, snapshot_id) -%}
    {{ return('(select * from ' ~ relation ~ ' at (version => ' ~ snapshot_id ~ '))') }}
{%- endmacro %}


{# A query of the ids of a table's snapshots (column snapshot_id). #}
{% macro all_snapshots(relation) -%}
    {{ return(adapter.dispatch('all_snapshots')(relation)) }}
{%- endmacro %}

{% macro default__all_snapshots(relation) -%}
    {{ return('select snapshot_id from ' ~ metadata_table(relation, 'snapshots')) }}
{%- endmacro %}

{% macro duckdb__all_snapshots(relation) -%}
    {{ return('select snapshot_id from iceberg_snapshots(' ~ relation ~ ')') }}
{%- endmacro %}


{# A query of the id of a table's current snapshot; no row, or null, when it has none. #}
{% macro current_snapshot(relation) -%}
    {{ return(adapter.dispatch('current_snapshot')(relation)) }}
{%- endmacro %}

{% macro default__current_snapshot(relation) -%}
    {{ return('select max(snapshot_id) from ' ~ metadata_table(relation, 'refs') ~ " where name = 'main'") }}
{%- endmacro %}

{% macro duckdb__current_snapshot(relation) -%}
    {{ return('select max_by(snapshot_id, sequence_number) from iceberg_snapshots(' ~ relation ~ ')') }}
{%- endmacro %}

{# Trino's and Athena's table of a table's metadata: "name$refs". #}
{% macro metadata_table(relation, name) -%}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '$' ~ name})) }}
{%- endmacro %}
