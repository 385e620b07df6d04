{#
    How a model's table is made and kept up to date, on every engine. The model's SQL is the SELECT of its full refresh;
    a run that finds the table computes only what the plan (macros/incremental/rebuild_plan.sql) touches.
#}

{% materialization incremental, adapter='duckdb' %}
    {{ return(build_model()) }}
{% endmaterialization %}

{% materialization incremental, adapter='trino' %}
    {{ return(build_model()) }}
{% endmaterialization %}

{% materialization incremental, adapter='athena', supported_languages=['sql'] %}
    {{ return(build_model()) }}
{% endmaterialization %}


{# Make a model's table, or put the rows that its plan touches in place of the old ones. #}
{% macro build_model() -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}

    {%- set plan = rebuild_plan(compiled_code) if existing is not none and not should_full_refresh() else none -%}
    {%- if plan is not none -%}
        {%- do tell_changed_code(compiled_code, plan) -%}
    {%- endif -%}
    {%- if existing is none -%}
        {%- do create_model_table(target_relation) -%}
    {%- elif plan is none or (plan.kind == 'everything' and plan.swaps) -%}
        {%- if plan is not none and plan.why -%}
            {%- do log(model.name ~ ' is built as a whole: ' ~ plan.why, info=true) -%}
        {%- endif -%}
        {%- do swap_model_table(target_relation) -%}
    {%- elif plan.kind == 'nothing' and not lacks_columns(compiled_code) -%}
        {%- call noop_statement('main', 'NOTHING NEW') -%}{%- endcall -%}
    {%- else -%}
        {%- do update_model_table(plan, target_relation) -%}
    {%- endif -%}
    {%- do note_code(compiled_code, existing is none or plan is none or plan.kind == 'everything') -%}

    {{ run_hooks(post_hooks) }}
    {%- do persist_docs(target_relation, model) -%}
    {%- do adapter.dispatch('after_model_table')(target_relation) -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}


{# Make the table. #}
{% macro create_model_table(target_relation) -%}
    {%- do note_changes([]) if rebuilt_by(model) not in ('nothing', 'new_batches') -%}
    {%- do adapter.dispatch('create_whole_table')(target_relation, key_in_place(sql_of_whole_table())) -%}
    {%- do commit_now() -%}
{%- endmacro %}

{# A full refresh: the old table stays in place until the new one is complete. #}
{% macro swap_model_table(target_relation) -%}
    {%- do note_changes([]) if rebuilt_by(model) not in ('nothing', 'new_batches') -%}
    {%- do adapter.dispatch('swap_whole_table')(target_relation, key_in_place(sql_of_whole_table())) -%}
    {%- do commit_now() -%}
{%- endmacro %}

{# The SELECT of the whole table; int_loaded_objects begins with a run's share of the batches. #}
{% macro sql_of_whole_table() -%}
    {%- if rebuilt_by(model) == 'new_batches' -%}
        {%- do run_books().update({'taken_up': run_books().run}) -%}
        {{ return(
            'select * from (' ~ compiled_code | replace('1 /* this run */', run_books().run | string)
            ~ ') as computed where batch_id in (select batch_id from (' ~ new_batches_query(source('raw', 'load_batches')) ~ ') as new_batches)'
        ) }}
    {%- endif -%}
    {%- if rebuilt_by(model) == 'batch_id' and ('source.' ~ project_name ~ '.raw.') in model.depends_on.nodes | join(' ') -%}
        {#- Batches in raw that are not taken up yet have to wait. -#}
        {%- set taken_up = relation_to_read(graph.nodes['model.' ~ project_name ~ '.int_loaded_objects']) -%}
        {%- if taken_up is none -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ' reads the batches that int_loaded_objects has taken up, which is not built yet: select +' ~ model.name
            ) }}
        {%- endif -%}
        {{ return(
            'select * from (' ~ compiled_code ~ ') as computed where batch_id in (select batch_id from ' ~ taken_up ~ ')'
        ) }}
    {%- endif -%}
    {{ return(compiled_code) }}
{%- endmacro %}


{# Compute what the plan touches, note what changes by it, and write it. #}
{% macro update_model_table(plan, target_relation) -%}
    {%- set sql = sql_of_touched_rows(compiled_code, plan) if plan.kind != 'nothing'
        else 'select * from (\n' ~ compiled_code ~ '\n) as computed where false' -%}
    {%- set sql = key_in_place(sql) -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(sql) }}
        {%- set sql = get_select_subquery(sql) -%}
    {%- endif -%}
    {%- set computed = keep_rows('dbt_tmp', sql) -%}
    {%- set new_columns = process_schema_changes(config.get('on_schema_change'), computed, target_relation) -%}
    {%- set columns = (new_columns or adapter.get_columns_in_relation(target_relation)) | map(attribute='name') | list -%}
    {%- if plan.kind == 'nothing' -%}
        {%- call noop_statement('main', 'COLUMNS ADDED') -%}{%- endcall -%}
        {%- do commit_now() -%}
        {{ return('') }}
    {%- endif -%}
    {%- set changed = none -%}
    {%- set compares = writes_changed_rows(plan) -%}
    {%- if compares -%}
        {%- set changed = keep_rows('dbt_changed', sql_of_changed_rows(computed, target_relation, columns, plan)) -%}
    {%- endif -%}

    {%- set tracked = run_books().tracked[model.name] | select('in', columns) | list -%}
    {%- set listed = tracked | join(', ') if tracked else '1 as changed' -%}
    {%- if plan.again -%}
        {#- A run that was killed may have written part of it: what changed since the books were written last. -#}
        {%- set before = before_recorded(run_books().records[model.name]) or target_relation -%}
        {%- set rows = 'select ' ~ listed ~ ' from ' ~ computed ~ ' union all select ' ~ listed ~ ' from ' ~ before
            ~ ' as before where ' ~ is_touched(plan) -%}
    {%- elif compares -%}
        {%- set rows = 'select ' ~ listed ~ ' from ' ~ changed -%}
    {%- elif plan.appends -%}
        {%- set rows = 'select ' ~ listed ~ ' from ' ~ computed -%}
    {%- else -%}
        {%- set rows = 'select ' ~ listed ~ ' from ' ~ computed ~ ' union all select ' ~ listed ~ ' from '
            ~ target_relation ~ ' where ' ~ is_touched(plan) -%}
    {%- endif -%}

    {%- if plan.unit == 'new_batches' or note_changes(columns, rows, plan.again) -%}
        {%- do adapter.dispatch('write_rows')(plan, target_relation, computed, changed, columns, sql) -%}
    {%- else -%}
        {%- call noop_statement('main', 'NOTHING CHANGED') -%}{%- endcall -%}
    {%- endif -%}
    {%- do commit_now() -%}
    {%- do adapter.dispatch('drop_kept_rows')() -%}
{%- endmacro %}


{# Whether the SELECT has a column that the table does not have: asked only when the code is not that of the last run. #}
{% macro lacks_columns(compiled_code) -%}
    {%- if not code_differs(compiled_code) or rebuilt_by(model) == 'nothing' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set existing = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list -%}
    {{ return(get_column_schema_from_query(compiled_code) | map(attribute='name') | map('lower') | reject('in', existing) | list | length > 0) }}
{%- endmacro %}


{# Keep the rows of a query for the model's next statements; returns their relation. #}
{% macro keep_rows(name, sql) -%}
    {%- set relation = make_temp_relation(this.incorporate(type='table'), '__' ~ name) -%}
    {%- do adapter.dispatch('make_kept_rows')(relation, sql) -%}
    {{ return(relation) }}
{%- endmacro %}
