{#
    What is new: the load batches that a model has not built from yet.

    Batches decide, never a watermark of time, so a batch that commits late or out of order is not skipped.
    int_batch_reach lists the batches that staging holds, with the batches whose rows each can change and the
    event dates of those rows; int_built_batches lists what each model has built from (the on-run-end hook writes
    it, so that a run that dies is simply done again).

    A model asks once, at its top:

        {% set new = new_batches() %}

    and uses `new.batches` and `new.event_dates` through in_batches and in_event_dates, which are true for every
    row in a full refresh.
#}

{% macro new_batches(dataset='web_events') -%}
    {%- set reach = ref('int_batch_reach') -%}
    {%- set built = ref('int_built_batches') -%}
    {%- if not execute or not is_incremental() -%}
        {{ return({'everything': true, 'batches': [], 'event_dates': []}) }}
    {%- endif -%}
    {%- set query -%}
        select distinct touched_batch_id, cast(event_date as varchar) as event_date
        from {{ reach }}
        where
            dataset = '{{ dataset }}'
            and batch_id not in (
                select batch_id from {{ built }} where model_name = '{{ model.name }}'
            )
    {%- endset -%}
    {%- set rows = run_query(query).rows -%}
    {{ return({
        'everything': false,
        'batches': rows | map(attribute=0) | unique | sort | list,
        'event_dates': rows | map(attribute=1) | reject('none') | unique | sort | list,
    }) }}
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
    {%- elif not new.event_dates -%}
        false
    {%- else -%}
        {{ column }} in (date '{{ new.event_dates | join("', date '") }}')
    {%- endif -%}
{%- endmacro %}


{#
    After a run: remember for each incremental model that succeeded which batches it has built from. They are the
    batches in int_batch_reach: that model runs before all that ask for new batches.
#}
{% macro record_built_batches(results) -%}
    {%- if execute -%}
    {%- set names = [] -%}
    {%- for result in results
        if result.node.resource_type == 'model'
        and result.status == 'success'
        and result.node.config.materialized == 'incremental'
        and flags.WHICH in ('run', 'build', 'retry') -%}
        {%- do names.append(result.node.name) -%}
    {%- endfor -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') -%}
    {%- set relations = {} -%}
    {%- for node in nodes if node.name in ('int_batch_reach', 'int_built_batches') -%}
        {%- do relations.update({
            node.name: adapter.get_relation(node.database, node.schema, node.alias)
        }) -%}
    {%- endfor -%}
    {%- if names and relations.get('int_batch_reach') and relations.get('int_built_batches') -%}
        {%- set missing -%}
            select
                models.model_name,
                batches.batch_id
            from (select distinct batch_id from {{ relations['int_batch_reach'] }}) as batches
            cross join (
                {%- for name in names | sort %}
                select '{{ name }}' as model_name {{ 'union all' if not loop.last }}
                {%- endfor %}
            ) as models
            left join {{ relations['int_built_batches'] }} as built
                on models.model_name = built.model_name and batches.batch_id = built.batch_id
            where built.batch_id is null
        {%- endset -%}
        {#- Asked first: an insert of no rows would still be a snapshot on some engines. -#}
        {%- if run_query('select count(*) from (' ~ missing ~ ') as missing').rows[0][0] > 0 -%}
            {%- do run_query(
                'insert into ' ~ relations['int_built_batches'] ~ ' (model_name, batch_id, built_at) '
                ~ 'select model_name, batch_id, ' ~ invocation_started_at() ~ ' from (' ~ missing ~ ') as missing'
            ) -%}
            {%- do adapter.commit() -%}
        {%- endif -%}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# For staging: the batches of a raw dataset that the model has not staged yet, and when they were loaded. #}
{% macro new_raw_batches(dataset) -%}
    {%- set ledger = source('raw', 'load_batches') -%}
    {%- set built = ref('int_built_batches') -%}
    {%- if not execute or not is_incremental() -%}
        {{ return({'everything': true, 'batches': [], 'event_dates': []}) }}
    {%- endif -%}
    {%- set query -%}
        select batch_id, cast(min(loaded_at) as varchar) as loaded_at
        from {{ ledger }}
        where
            dataset = '{{ dataset }}'
            and batch_id not in (select batch_id from {{ built }} where model_name = '{{ model.name }}')
        group by batch_id
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
