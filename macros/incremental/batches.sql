{#
    What is new: the load batches that a model has not built from yet.

    Batches decide, never a watermark of time, so a batch that commits late or out of order is not skipped.
    int_batch_reach lists the batches that staging holds, with the batches whose rows each can change and the
    event dates of those rows; int_built_batches lists what each model has built from (the on-run-end hook writes
    it, so that a run that dies is simply done again).

    A model asks once, at its top:

        {% set new = new_batches() %}

    (dataset none: of all raw tables) and uses `new.batches` and `new.event_dates` through in_batches and
    in_event_dates, which are true for every row in a full refresh. In a back-fill (see backfill_window) all batches
    of the window count as new.
#}

{% macro new_batches(dataset='web_events') -%}
    {%- set reach = ref('int_batch_reach') -%}
    {%- set built = ref('int_built_batches') -%}
    {%- if not execute or not is_incremental() -%}
        {{ return({'everything': true, 'batches': [], 'event_dates': [], 'window': none}) }}
    {%- endif -%}
    {{ return(batches_beyond(reach, built, model.name, dataset)) }}
{%- endmacro %}

{# The batches that a model has not built from, or is asked to build again, as new_batches gives them. #}
{% macro batches_beyond(reach, built, name, dataset) -%}
    {%- set window = backfill_window() -%}
    {%- set query -%}
        select distinct touched_batch_id, cast(event_date as varchar) as event_date
        from {{ reach }}
        where
            {{ "dataset = '" ~ dataset ~ "'" if dataset else 'true' }}
            and (
                batch_id not in (
                    select batch_id from {{ built }} where model_name = '{{ name }}'
                )
                or {{ in_window(window) }}
            )
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {{ return({
        'everything': false,
        'batches': rows | map(attribute=0) | unique | sort | list,
        'event_dates': rows | map(attribute=1) | reject('none') | unique | sort | list,
        'window': window,
    }) }}
{%- endmacro %}


{#
    The days that a run is asked to build again, none when it is not:

        dbt run --select fct_web_events+ --vars '{backfill_start: 2026-01-05, backfill_end: 2026-01-11}'

    Both days belong to the window. What new batches there are is built as well, as in any run.
#}
{% macro backfill_window() -%}
    {%- set window = {'first': var('backfill_start', none), 'last': var('backfill_end', none)} -%}
    {%- if window.first is none and window.last is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- for day in window.values() if not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', day | string) -%}
        {{ exceptions.raise_compiler_error(
            "A back-fill needs both variables, backfill_start and backfill_end, as YYYY-MM-DD: one is " ~ day
        ) }}
    {%- endfor -%}
    {{ return(window) }}
{%- endmacro %}

{# Whether a row lies in the window of a back-fill. #}
{% macro in_window(window, column='event_date') -%}
    {%- if window is none -%}
        false
    {%- else -%}
        {{ column }} between date '{{ window.first }}' and date '{{ window.last }}'
    {%- endif -%}
{%- endmacro %}


{# Whether a row belongs to the batches that the new ones can change. #}
{% macro in_batches(new, column='batch_id') -%}
    {%- if new.everything -%}
        true
    {%- elif not new.batches -%}
        false
    {%- else -%}
        {{ column }} in ('{{ new.batches | join("', '") }}')
    {%- endif -%}
{%- endmacro %}


{# Whether a row lies on an event date that the new batches touch: literal dates, so that engines prune. #}
{% macro in_event_dates(new, column='event_date') -%}
    {%- if new.everything -%}
        true
    {%- else -%}
        {{ in_dates(new.event_dates, column) }}
    {%- endif -%}
{%- endmacro %}


{#
    After a run: remember for each incremental model that succeeded, as did its tests, which batches it has built
    from: those in int_batch_reach that every incremental model it reads has built from, in this run or before. So a
    model that ran while a parent was not selected asks for the batch again.
#}
{% macro record_built_batches(results) -%}
    {%- if execute and flags.WHICH in ('run', 'build', 'retry') -%}
    {%- set relations = batch_relations() -%}
    {%- set incremental = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental' -%}
        {%- do incremental.update({node.unique_id: node.name}) -%}
    {%- endfor -%}
    {#- What a failed test looked at is tested again by the next build. -#}
    {%- set doubtful = [] -%}
    {%- for result in results if result.node.resource_type == 'test' and result.status in ('fail', 'error') -%}
        {%- do doubtful.extend(result.node.depends_on.nodes) -%}
    {%- endfor -%}
    {%- set succeeded = [] -%}
    {%- for result in results
        if result.status == 'success'
        and result.node.unique_id in incremental
        and result.node.unique_id not in doubtful -%}
        {%- do succeeded.append(result.node) -%}
    {%- endfor -%}
    {%- if succeeded and none not in relations.values() -%}
        {%- set built = open_batches(succeeded | map(attribute='name') | list, relations) -%}
        {#- Results come in the order of the graph: what a model reads was looked at before it. -#}
        {%- set models_by_batches = {} -%}
        {%- for node in succeeded -%}
            {%- set found = namespace(batches=built['']) -%}
            {%- for parent in node.depends_on.nodes
                if parent in incremental and incremental[parent] != 'int_built_batches' -%}
                {%- set found.batches = found.batches
                    | select('in', built.get(incremental[parent], [])) | list -%}
            {%- endfor -%}
            {%- do built.update({node.name: found.batches}) -%}
            {%- do models_by_batches.setdefault(found.batches | join("', '"), []).append(node.name) -%}
        {%- endfor -%}
        {%- for batches, names in models_by_batches.items() if batches -%}
            {%- do run_query(
                'insert into ' ~ relations['int_built_batches'] ~ ' (model_name, batch_id, built_at) '
                ~ not_yet_built(names, batches, relations)
            ) -%}
        {%- endfor -%}
        {%- if built[''] -%}
            {%- do commit_now() -%}
        {%- endif -%}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The tables int_batch_reach and int_built_batches by name, none while they do not exist: for hooks and tests. #}
{% macro batch_relations() -%}
    {%- set relations = {} -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.name in ('int_batch_reach', 'int_built_batches') -%}
        {%- do relations.update({node.name: adapter.get_relation(node.database, node.schema, node.alias)}) -%}
    {%- endfor -%}
    {{ return(relations) }}
{%- endmacro %}


{#
    Of the batches that some of the models have not built from: the models that have, {name: batches}; all of these
    batches under the empty name.
#}
{% macro open_batches(names, relations) -%}
    {%- set batches_query -%}
        select distinct reach.batch_id
        from {{ relations['int_batch_reach'] }} as reach
        left join (
            select batch_id, count(distinct model_name) as models
            from {{ relations['int_built_batches'] }}
            where model_name in ('{{ names | join("', '") }}')
            group by batch_id
        ) as built
            on reach.batch_id = built.batch_id
        where coalesce(built.models, 0) < {{ names | length }}
    {%- endset -%}
    {%- set batches = run_query(batches_query).rows | map(attribute=0) | sort | list -%}
    {%- set built = {'': batches} -%}
    {%- if batches -%}
        {%- for row in run_query(
            'select model_name, batch_id from ' ~ relations['int_built_batches']
            ~ " where batch_id in ('" ~ batches | join("', '") ~ "')"
        ).rows -%}
            {%- do built.setdefault(row[0], []).append(row[1]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(built) }}
{%- endmacro %}

{% macro not_yet_built(names, batches, relations) -%}
    select
        models.model_name,
        batches.batch_id,
        {{ invocation_started_at() }} as built_at
    from (
        select distinct batch_id from {{ relations['int_batch_reach'] }}
        where batch_id in ('{{ batches }}')
    ) as batches
    cross join (
        {%- for name in names %}
        select '{{ name }}' as model_name {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as models
    where
        not exists (
            select 1
            from {{ relations['int_built_batches'] }} as built
            where built.model_name = models.model_name and built.batch_id = batches.batch_id
        )
{%- endmacro %}


{# Commit what run_query wrote; an engine that commits each statement has nothing to do. #}
{% macro commit_now() -%}
    {%- do adapter.dispatch('commit_now')() -%}
{%- endmacro %}

{% macro default__commit_now() -%}
{%- endmacro %}

{% macro duckdb__commit_now() -%}
    {%- do adapter.commit() -%}
{%- endmacro %}


{#
    For staging: the batches of a raw dataset that the model has not staged yet, and when they were loaded. In a
    back-fill also those that have rows in its window.
#}
{% macro new_raw_batches(dataset) -%}
    {%- set ledger = source('raw', 'load_batches') -%}
    {%- set built = ref('int_built_batches') -%}
    {%- if not execute or not is_incremental() -%}
        {{ return({'everything': true, 'batches': [], 'event_dates': []}) }}
    {%- endif -%}
    {%- set window = backfill_window() if dataset == 'web_events' else none -%}
    {%- set query -%}
        select batch_id, cast(min(loaded_at) as varchar) as loaded_at
        from {{ ledger }}
        where
            dataset = '{{ dataset }}'
            and (
                batch_id not in (select batch_id from {{ built }} where model_name = '{{ model.name }}')
                {%- if window is not none %}
                or batch_id in (select staged.batch_id from {{ this }} as staged where {{ in_window(window) }})
                {%- endif %}
            )
        group by batch_id
        {#- Nothing is ever staged of a batch without records. #}
        having sum(record_count) > 0
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {%- set loaded_at = rows | map(attribute=1) | sort | list -%}
    {{ return({
        'everything': false,
        'batches': rows | map(attribute=0) | sort | list,
        'event_dates': [],
        'first_loaded_at': loaded_at | first,
        'last_loaded_at': loaded_at | last,
    }) }}
{%- endmacro %}


{# Whether a raw row was loaded when the new batches were: prunes raw's partitions. #}
{% macro in_loaded_at(new) -%}
    {%- if new.everything -%}
        true
    {%- elif not new.batches -%}
        false
    {%- else -%}
        loaded_at between timestamp '{{ new.first_loaded_at }}' and timestamp '{{ new.last_loaded_at }}'
    {%- endif -%}
{%- endmacro %}


{# Of the batches that the new ones can change, the days on which they were loaded: literal dates, for pruning raw. #}
{% macro load_dates(new) -%}
    {%- set ledger = source('raw', 'load_batches') -%}
    {%- if new.everything or not new.batches -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set query -%}
        select distinct cast(cast(loaded_at as date) as varchar) as load_date from {{ ledger }}
        where {{ in_batches(new) }}
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | sort | list) }}
{%- endmacro %}

{# Whether a time lies on one of some days (ISO texts). #}
{% macro in_days(days, column) -%}
    {%- if not days -%}
        false
    {%- else -%}
        (
            {%- for day in days %}
            ({{ column }} >= {{ midnight(day) }} and {{ column }} < {{ midnight(day, 1) }})
            {{- ' or' if not loop.last }}
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}


{# For int_batch_reach: batches of the ledger that it does not know yet, and those they touch. #}
{% macro staged_batches_to_reach() -%}
    {%- set ledger = source('raw', 'load_batches') -%}
    {%- if not execute or not is_incremental() -%}
        {{ return({'everything': true, 'batches': [], 'event_dates': []}) }}
    {%- endif -%}
    {%- set query -%}
        with new_objects as (
            select distinct dataset, batch_id, source_uri, source_etag
            from {{ ledger }}
            where batch_id not in (select known.batch_id from {{ this }} as known)
        )

        select batch_id from new_objects
        union
        select other_versions.batch_id
        from new_objects
        inner join {{ ledger }} as other_versions
            on
                new_objects.dataset = other_versions.dataset
                and new_objects.source_uri = other_versions.source_uri
                and new_objects.source_etag <> other_versions.source_etag
    {%- endset -%}
    {{ return({
        'everything': false,
        'batches': run_query(query).rows | map(attribute=0) | sort | list,
        'event_dates': [],
    }) }}
{%- endmacro %}
