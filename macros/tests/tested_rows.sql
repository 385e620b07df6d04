{#
    What the data tests of a large table look at.

    In `dbt build` they look at the dates that the model's new batches touch: that is where this build wrote, so their
    time follows the batch. In `dbt test` and in a full refresh they look at the whole table: run `dbt test` nightly.
    A model with a failed test does not count as built (record_built_batches), so the next build writes these dates
    again and tests them again.

    It applies by itself to all generic tests of models that are partitioned by a date. A test that needs all rows
    at once says so with `meta: {look_at: everything}`; a singular test asks tested_rows.
#}

{% macro default__get_where_subquery(relation) -%}
    {%- set tested = graph.nodes.get(model.get('attached_node')) if execute else none -%}
    {%- set scopes = ['true'] -%}
    {%- if tested and tested.resource_type == 'model' and config.get('meta', {}).get('look_at') != 'everything' -%}
        {%- set scopes = tested_rows(tested.name) -%}
    {%- endif -%}
    {%- set where = config.get('where') or 'true' -%}
    {%- if where == 'true' and scopes == ['true'] -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set parts = [] -%}
    {%- for scope in scopes -%}
        {%- do parts.append('select * from ' ~ relation ~ ' where (' ~ where ~ ') and ' ~ scope) -%}
    {%- endfor -%}
    {{ return('(' ~ parts | join(' union all ') ~ ') as dbt_subquery') }}
{%- endmacro %}


{#
    Conditions on the rows of a model: each prunes by itself, together they hold for the rows to look at; `true` alone
    for all rows.
#}
{% macro tested_rows(name) -%}
    {%- if not execute or flags.WHICH != 'build' or flags.FULL_REFRESH -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set tested = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- set column = (tested.config.get('partitioned_by') or [''])[0] -%}
    {%- if tested.config.materialized != 'incremental' or not column.endswith('_date') -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set relations = batch_relations() -%}
    {%- if none in relations.values() -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set new = batches_beyond(relations.int_batch_reach, relations.int_built_batches, name, 'web_events') -%}
    {%- if column == 'session_date' -%}
        {#- A session may begin on the day before. -#}
        {{ return([near_event_dates(new, column)]) }}
    {%- endif -%}
    {%- set conditions = [in_dates(new.event_dates, column)] -%}
    {%- if 'batch_id' in tested.columns -%}
        {%- do conditions.append(column ~ ' is null and ' ~ in_batches(new)) -%}
    {%- endif -%}
    {{ return(conditions) }}
{%- endmacro %}
