{#
    The books: what each model was built from. Analysts need not read this.

    A run has a number. While it goes on, what its models changed is known in this process (run_books().changed; the
    values themselves in a table of changes, see changes.sql). After it, the on-run-end hook writes one row per model to
    int_built_models: the run up to whose changes the model has been built (built_run). Where everything succeeded
    that is all; changes that some model has not been built from yet (it failed, or was not selected) are kept in
    int_changes until it has. So the books' size follows the number of models, not of batches or of days.

    A run that is killed writes no row. The next one then computes the same changes again, and more where there is
    more: it compares with the tables as they were when the books were written last (Iceberg's snapshots,
    snapshot_id), since the killed run may have written some of them.
#}

{# The books as this run began, and what has happened since; filled by the on-run-start hook. #}
{% macro run_books() -%}
    {{ return(graph.get('run_books')) }}
{%- endmacro %}

{# The hook that fills them; nothing in commands that build nothing. #}
{% macro read_run_books() -%}
    {%- if not execute or flags.WHICH not in ('run', 'build', 'retry') -%}
        {{ return('') }}
    {%- endif -%}
    {%- set books = {
        'records': {}, 'last_run': 0, 'taken_up': 0, 'taken_up_before': 0, 'waiting': [], 'changed': {}, 'seen': {}, 'codes': {},
        'parents': {}, 'readers': {}, 'tracked': {},
    } -%}
    {%- do books_of_the_graph(books) -%}
    {%- set records = book('int_built_models') -%}
    {%- if records is not none -%}
        {%- set columns = ['model_name', 'built_run', 'known_run', 'waiting_sets', 'snapshot_id', 'sql_code', 'compiled_code'] -%}
        {%- for row in run_query('select ' ~ columns | join(', ') ~ ' from ' ~ records).rows -%}
            {%- do books.records.update({row[0]: dict(zip(columns, row.values()))}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do refuse_mixed_masking(books.records) -%}
    {%- set books = dict(books, last_run=books.records.values() | map(attribute='known_run') | max | default(0, true) | int) -%}
    {%- set loaded = book('int_loaded_objects') -%}
    {%- if loaded is not none -%}
        {%- set taken_up = run_query('select max(taken_up_run) from ' ~ loaded).rows[0][0] | default(0, true) | int -%}
        {%- do books.update({'taken_up': taken_up, 'taken_up_before': taken_up}) -%}
    {%- endif -%}
    {%- do books.update({'run': [books.last_run, books.taken_up] | max + 1}) -%}
    {%- set kept = book('int_changes') -%}
    {%- set behind = books.records.values() | map(attribute='built_run') | min | default(0, true) | int < books.last_run -%}
    {%- if kept is not none and behind -%}
        {%- do books.update({'waiting': sets_of_changes(kept, 'run_number <= ' ~ books.last_run)}) -%}
    {%- endif -%}
    {%- do graph.update({'run_books': books}) -%}
{%- endmacro %}

{# The relation of a book, none while it does not exist. #}
{% macro book(name) -%}
    {%- set node = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
{%- endmacro %}

{# What each model reads, which models read it, and of which columns they want to know what changed. #}
{% macro books_of_the_graph(books) -%}
    {%- set models = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental' -%}
        {%- do models.append(node) -%}
        {%- do books.parents.update({node.name: models_read(node)}) -%}
        {%- do books.tracked.update({node.name: partition_columns(node)}) -%}
    {%- endfor -%}
    {%- for node in models if rebuilt_by(node) != 'nothing' -%}
        {%- for parent in books.parents[node.name] if parent in books.tracked -%}
            {%- do books.readers.setdefault(parent, []).append(node.name) -%}
            {#- Also the dates by which they ask for what changed: touched(on='…'). -#}
            {%- set asked = modules.re.findall("touched[(]on='(\\w+)'", node.raw_code) -%}
            {%- do books.tracked[parent].extend(columns_of_unit(rebuilt_by(node)) + partition_columns(node) + asked) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name, columns in books.tracked.items() -%}
        {%- do books.tracked.update({name: columns | unique | list}) -%}
    {%- endfor -%}
{%- endmacro %}


{#
    After a run. A model that succeeded, as did the tests that look at it, is built up to this run. Of the others, those
    that read nothing that changed are, too; the rest stay where they are, and the changes are kept for them.
#}
{% macro record_run(results) -%}
    {%- set books = run_books() -%}
    {%- set records = book('int_built_models') if execute and books else none -%}
    {%- if records is none -%}
        {{ return('') }}
    {%- endif -%}
    {%- set doubtful = [] -%}
    {%- for result in results if result.node.resource_type == 'test' and result.status in ('fail', 'error') -%}
        {%- do doubtful.extend(result.node.depends_on.nodes) -%}
    {%- endfor -%}
    {%- set built = [] -%}
    {%- for result in results
        if result.status == 'success' and result.node.name in books.parents
        and result.node.resource_type == 'model' and result.node.unique_id not in doubtful -%}
        {%- do built.append(result.node.name) -%}
    {%- endfor -%}

    {%- set rows = [] -%}
    {%- set kept = [] -%}
    {%- set snapshots = snapshot_ids(books.changed.keys() | select('in', built) | list) -%}
    {%- for name in books.parents -%}
        {%- set old = books.records.get(name) -%}
        {%- set new = dict(old) if old else {
            'model_name': name, 'snapshot_id': none, 'waiting_sets': 0, 'sql_code': none, 'compiled_code': none,
        } -%}
        {%- set news = books.parents[name] | select('in', books.changed) | select('in', built) | list -%}
        {%- if name in built -%}
            {%- do new.update({'built_run': books.run, 'waiting_sets': 0, 'snapshot_id': snapshots.get(name, new.snapshot_id)}) -%}
            {%- do new.update(books.codes.get(name, {})) -%}
        {%- elif old and old.built_run == books.last_run and not news and name not in books.changed
            and not ('int_loaded_objects' in books.parents[name] and books.taken_up > old.built_run) -%}
            {%- do new.update({'built_run': books.run}) -%}
        {%- elif old -%}
            {%- do kept.extend(news) -%}
            {%- do new.update({'waiting_sets': new.waiting_sets + news | length}) -%}
        {%- endif -%}
        {%- if new.built_run is defined -%}
            {%- do rows.append(dict(new, known_run=books.run)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if books.changed or books.codes or rows | selectattr('built_run', 'equalto', books.run) | list | length
        > books.records.values() | selectattr('built_run', 'equalto', books.last_run) | list | length -%}
        {%- do keep_changes(kept | unique | list, rows | map(attribute='built_run') | min) -%}
        {%- do write_records(records, rows) -%}
        {%- do commit_now() -%}
    {%- endif -%}
{%- endmacro %}

{# One statement for all models, so that a run counts as a whole. #}
{% macro write_records(records, rows) -%}
    {%- set columns = ['built_run', 'known_run', 'waiting_sets', 'snapshot_id', 'sql_code', 'compiled_code', 'built_at'] -%}
    {%- call statement('write_records', auto_begin=true) %}
    merge into {{ records }} as old
    using (
        {%- for row in rows %}
        select
            '{{ row.model_name }}' as model_name,
            cast({{ row.built_run }} as bigint) as built_run,
            cast({{ row.known_run }} as bigint) as known_run,
            cast({{ row.waiting_sets }} as bigint) as waiting_sets,
            cast({{ 'null' if row.snapshot_id is none else row.snapshot_id }} as bigint) as snapshot_id,
            cast({{ 'null' if row.sql_code is none else "'" ~ row.sql_code ~ "'" }} as varchar) as sql_code,
            cast({{ 'null' if row.compiled_code is none else "'" ~ row.compiled_code ~ "'" }} as varchar)
                as compiled_code,
            {{ invocation_started_at() }} as built_at
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as new
        on old.model_name = new.model_name
    when matched then update set {% for column in columns %}{{ column }} = new.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
    when not matched then insert (model_name, {{ columns | join(', ') }})
        values (new.model_name, {% for column in columns %}new.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endcall -%}
{%- endmacro %}

{# The current snapshot of the tables of some models, {name: id}. #}
{% macro snapshot_ids(names) -%}
    {%- set found = {} -%}
    {%- set selects = [] -%}
    {%- for name in names -%}
        {%- set relation = book(name) -%}
        {%- if relation is not none -%}
            {%- do selects.append("select '" ~ name ~ "' as model_name, (" ~ current_snapshot(relation) ~ ") as snapshot_id") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if selects -%}
        {%- for row in run_query(selects | join(' union all ')).rows -%}
            {%- do found.update({row[0]: row[1] | int if row[1] is not none else none}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}


{# Commit what was written; an engine that commits each statement has nothing to do. #}
{% macro commit_now() -%}
    {%- do adapter.dispatch('commit_now')() -%}
{%- endmacro %}

{% macro default__commit_now() -%}
{%- endmacro %}

{% macro duckdb__commit_now() -%}
    {%- do adapter.commit() -%}
{%- endmacro %}


{# The number of the run that takes a batch up, for int_loaded_objects; 1 outside of runs. #}
{% macro this_run() -%}
    cast(1 /* this run */ as bigint)
{%- endmacro %}
