{#
    How tables are made and changed on Athena (dbt-athena): Iceberg, in Glue.

    dbt-athena's own incremental materialization knows no strategy but append and merge, so this one takes its place.
    What it keeps of it: CREATE TABLE AS falls back to batches of 100 partitions, temporary tables are dropped with
    their files, and old versions of the Glue table expire.
#}

{% materialization incremental, adapter='athena', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_relation(this) -%}
    {%- set force_batch = config.get('force_batch', false) | as_bool and config.get('partitioned_by') -%}

    {{ run_hooks(pre_hooks) }}

    {%- if existing_relation is none -%}
        {%- set done = safe_create_table_as(false, target_relation, compiled_code, 'sql', force_batch) -%}
        {%- do athena_store_result('CREATE TABLE', done) -%}
    {%- elif should_full_refresh() -%}
        {%- set done = athena_swap_table(target_relation, compiled_code, force_batch) -%}
        {%- do athena_store_result('CREATE TABLE', done) -%}
    {%- elif nothing_is_new() -%}
        {%- do athena_store_result('NOTHING NEW') -%}
    {%- else -%}
        {%- set computed = make_temp_relation(target_relation) -%}
        {%- do drop_relation(computed) -%}
        {%- do run_query(create_table_as(true, computed, compiled_code, 'sql', true)) -%}
        {%- set columns = process_schema_changes(config.get('on_schema_change'), computed, existing_relation)
            or adapter.get_columns_in_relation(target_relation) -%}
        {%- set done = athena_run_strategy(target_relation, computed, columns) -%}
        {%- do athena_store_result('REPLACE', done) -%}
        {%- do drop_relation(computed) -%}
    {%- endif -%}

    {{ run_hooks(post_hooks) }}

    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.expire_glue_table_versions(target_relation, config.get('versions_to_keep', 1) | int, false) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


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
{% macro athena_swap_table(target_relation, compiled_code, force_batch) -%}
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
    {%- set done = safe_create_table_as(false, new_relation, compiled_code, 'sql', force_batch) -%}
    {%- do rename_relation(target_relation, old_relation) -%}
    {%- do rename_relation(new_relation, target_relation) -%}
    {%- do drop_relation(old_relation) -%}
    {{ return(done) }}
{%- endmacro %}


{#
    Run the model's incremental strategy in one statement, or, when that would write more partitions than Athena
    allows in one (100), in one for each 100 partitions. A run that dies between two of them is done again like any
    other: its batches do not count as built.
#}
{% macro athena_run_strategy(target_relation, computed, columns) -%}
    {%- set strategy = config.get('incremental_strategy') -%}
    {%- set strategy_macro = adapter.get_incremental_strategy_macro(context, strategy) -%}
    {%- set arguments = {
        'target_relation': target_relation,
        'temp_relation': computed,
        'unique_key': config.get('unique_key'),
        'dest_columns': columns,
        'incremental_predicates': none,
    } -%}
    {%- if config.get('force_batch', false) | as_bool and config.get('partitioned_by') -%}
        {%- set done = 'TOO_MANY_OPEN_PARTITIONS' -%}
    {%- else -%}
        {%- set done = adapter.run_query_with_partitions_limit_catching(strategy_macro(arguments)) -%}
    {%- endif -%}
    {%- if done == 'TOO_MANY_OPEN_PARTITIONS' -%}
        {%- set batches = get_partition_batches(computed, as_subquery=false) -%}
        {%- for batch in batches -%}
            {%- do run_query(strategy_macro(dict(arguments, only=batch))) -%}
        {%- endfor -%}
        {#- Old rows in partitions that the computed rows do not touch. -#}
        {%- set other = 'not coalesce((' ~ batches | join(') or (') ~ '), false)' -%}
        {%- do run_query(strategy_macro(dict(arguments, only=other))) -%}
        {%- set done = 'in ' ~ (batches | length + 1) ~ ' parts' -%}
    {%- endif -%}
    {{ return(done) }}
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
