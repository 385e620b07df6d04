{#
    How tables are made and changed on Athena (dbt-athena): Iceberg, in Glue.

    What is kept of dbt-athena's own incremental materialization: CREATE TABLE AS falls back to batches of 100
    partitions, temporary tables are dropped with their files, and old versions of the Glue table expire.
#}

{% macro athena__create_whole_table(relation, sql) -%}
    {%- do athena_store_result('CREATE TABLE', athena_create_table(relation, sql)) -%}
{%- endmacro %}

{% macro athena__swap_whole_table(relation, sql) -%}
    {%- do athena_store_result('CREATE TABLE', athena_swap_table(relation, sql)) -%}
{%- endmacro %}

{% macro athena__make_kept_rows(relation, sql) -%}
    {%- do drop_relation(relation) -%}
    {%- set location = adapter.generate_s3_location(
        relation, target.s3_data_dir, target.s3_data_naming, target.s3_tmp_table_dir, none, true
    ) -%}
    {%- do adapter.delete_from_s3(location) -%}
    {%- do run_query(
        'create table ' ~ relation ~ " with (table_type = 'iceberg', is_external = false, location = '"
        ~ location ~ "', format = 'parquet') as " ~ sql
    ) -%}
    {%- do run_books().setdefault('kept_rows', {}).setdefault(model.name, []).append(relation) -%}
{%- endmacro %}

{% macro athena__write_rows(plan, target, computed, changed, columns, sql) -%}
    {%- do athena_store_result('REPLACE', athena_replace_rows(plan, target, computed, changed, columns)) -%}
{%- endmacro %}

{% macro athena__after_model_table(relation) -%}
    {%- do adapter.expire_glue_table_versions(relation, config.get('versions_to_keep', 1) | int, false) -%}
{%- endmacro %}

{# Whether a table is built in parts of 100 partitions from the start. #}
{% macro athena_in_parts() -%}
    {{ return(config.get('force_batch', false) | as_bool and config.get('partitioned_by')) }}
{%- endmacro %}

{# Make a table; returns what dbt-athena tells of it. Its own switch `force_batch` ends in an error after the work. #}
{% macro athena_create_table(relation, sql) -%}
    {%- if athena_in_parts() -%}
        {%- do create_table_as_with_partitions(false, relation, sql) -%}
        {{ return('in parts') }}
    {%- endif -%}
    {{ return(safe_create_table_as(false, relation, sql)) }}
{%- endmacro %}


{# What dbt shows of the model; `done` is what dbt-athena tells of a statement: JSON with rowcount, or a text. #}
{% macro athena_store_result(code, done='{}') -%}
    {%- set numbers = fromjson(done) if done.startswith('{') else {} -%}
    {%- do store_raw_result(
        name='main',
        message=code ~ (' (' ~ numbers.rowcount ~ ' rows)' if numbers.get('rowcount', -1) >= 0 else ''),
        code=code,
        rows_affected=numbers.get('rowcount', -1) | string,
        agate_table=none,
    ) -%}
{%- endmacro %}


{# A full refresh: the old table stays in place until the new one is complete. #}
{% macro athena_swap_table(target_relation, compiled_code) -%}
    {%- set new_relation = api.Relation.create(
        database=target_relation.database,
        schema=target_relation.schema,
        identifier=target_relation.identifier ~ '__dbt_new',
        s3_path_table_part=target_relation.identifier,
        type='table',
    ) -%}
    {%- set old_relation = make_temp_relation(target_relation, '__dbt_old') -%}
    {%- do drop_relation(new_relation) -%}
    {%- do drop_relation(old_relation) -%}
    {%- set done = athena_create_table(new_relation, compiled_code) -%}
    {%- do rename_relation(target_relation, old_relation) -%}
    {%- do rename_relation(new_relation, target_relation) -%}
    {%- do drop_relation(old_relation) -%}
    {{ return(done) }}
{%- endmacro %}


{#
    Replace rows in one statement, or, when that would write more partitions than Athena allows in one (100), in one for
    each range of days that has no more. A run that dies between two of them is done again like any other.
#}
{% macro athena_replace_rows(plan, target, computed, changed, columns) -%}
    {%- set done = 'TOO_MANY_OPEN_PARTITIONS' -%}
    {%- if not athena_in_parts() -%}
        {%- set done = adapter.run_query_with_partitions_limit_catching(
            replace_rows_sql(plan, target, computed, changed, columns)
        ) -%}
    {%- endif -%}
    {%- if done == 'TOO_MANY_OPEN_PARTITIONS' -%}
        {%- set ranges = athena_day_ranges(computed if changed is none else changed) -%}
        {%- for range_of_days in ranges -%}
            {%- do run_query(replace_rows_sql(plan, target, computed, changed, columns, range_of_days)) -%}
        {%- endfor -%}
        {%- set done = 'in ' ~ ranges | length ~ ' parts' -%}
    {%- endif -%}
    {{ return(done) }}
{%- endmacro %}

{# Conditions that share all rows of a table among statements, each with the partitions that one may write. #}
{% macro athena_day_ranges(computed) -%}
    {%- set column = partition_columns(model)[0] -%}
    {%- set day = 'cast(' ~ column ~ ' as date)' -%}
    {%- set days = run_query(
        'select distinct cast(' ~ day ~ ' as varchar) from ' ~ computed ~ ' where ' ~ column ~ ' is not null'
    ).rows | map(attribute=0) | sort | list -%}
    {#- A bucket and no value make nine partitions a day. -#}
    {%- set days_of_a_part = 11 if config.get('partitioned_by') | length > 1 else 99 -%}
    {%- set ends = [] -%}
    {%- for some_days in days | batch(days_of_a_part) -%}
        {%- do ends.append(some_days[-1]) -%}
    {%- endfor -%}
    {%- set ranges = [] -%}
    {%- for end in ends[:-1] -%}
        {%- set from_start = column ~ ' is null or ' if loop.first else day ~ " > date '" ~ ends[loop.index0 - 1] ~ "' and " -%}
        {%- do ranges.append('(' ~ from_start ~ day ~ " <= date '" ~ end ~ "')") -%}
    {%- endfor -%}
    {%- do ranges.append(day ~ " > date '" ~ ends[-2] ~ "'" if ends | length > 1 else 'true') -%}
    {{ return(ranges) }}
{%- endmacro %}


{#
    Conditions that share all rows of a new table among statements. Where a table has buckets, by days: dbt-athena's own
    looks for the bucket of each value, and ends the run at one that is null. A table without rows is one part, too.
#}
{% macro get_partition_batches(sql, as_subquery=True) -%}
    {%- if config.get('partitioned_by') | length > 1 -%}
        {{ return(athena_day_ranges('(' ~ sql ~ ') as computed' if as_subquery else sql)) }}
    {%- endif -%}
    {{ return(dbt.get_partition_batches(sql, as_subquery) or ['true']) }}
{%- endmacro %}


{# Unit tests write the times of their YAML with a T, which Athena's cast does not read, and types as Glue does. #}
{% macro athena__safe_cast(field, type) -%}
    {#- struct<pitch:double> is row(pitch double) in a query. -#}
    {%- set cast_type = namespace(text=type) -%}
    {%- for written, meant in [
        ('struct<', 'row('), ('array<', 'array('), ('map<', 'map('), ('>', ')'), (':', ' '), ('string', 'varchar'),
    ] -%}
        {%- set cast_type.text = cast_type.text.replace(written, meant) -%}
    {%- endfor -%}
    {{ return(trino__safe_cast(field, cast_type.text)) }}
{%- endmacro %}


{# All tables are Iceberg's, also those that unit tests make and drop again, which have no configuration of their own. #}
{% macro resolve_table_type() -%}
    {{ return('iceberg') }}
{%- endmacro %}
