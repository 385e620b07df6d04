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
    {%- set conditions = [] -%}
    {%- if config.get('where') -%}
        {%- do conditions.append(config.get('where')) -%}
    {%- endif -%}
    {%- set tested = graph.nodes.get(model.get('attached_node')) if execute else none -%}
    {%- if tested and tested.resource_type == 'model' and config.get('meta', {}).get('look_at') != 'everything' -%}
        {%- set rows = tested_rows(tested.name) -%}
        {%- if rows != 'true' -%}
            {%- do conditions.append(rows) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if not conditions -%}
        {{ return(relation) }}
    {%- endif -%}
    {{ return('(select * from ' ~ relation ~ ' where (' ~ conditions | join(') and (') ~ ')) as dbt_subquery') }}
{%- endmacro %}


{# The condition on the rows of a model, `true` for all of them; with `column`, on a column of its dates elsewhere. #}
{% macro tested_rows(name, column=none) -%}
    {%- if not execute or flags.WHICH != 'build' or flags.FULL_REFRESH -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set nodes = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- do nodes.update({node.name: node}) -%}
    {%- endfor -%}
    {%- set tested = nodes[name] -%}
    {%- set has_null_dates = column is none and 'batch_id' in tested.columns -%}
    {%- set column = column or (tested.config.get('partitioned_by') or [''])[0] -%}
    {%- if tested.config.materialized != 'incremental' or not column.endswith('_date') -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set relations = {} -%}
    {%- for name in ('int_batch_reach', 'int_built_batches') -%}
        {%- do relations.update({name: adapter.get_relation(nodes[name].database, nodes[name].schema, nodes[name].alias)}) -%}
    {%- endfor -%}
    {%- if none in relations.values() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set new = batches_beyond(relations.int_batch_reach, relations.int_built_batches, name, 'web_events') -%}
    {%- set rows = in_dates(new.event_dates, column) -%}
    {%- if column == 'session_date' -%}
        {#- A session may begin on the day before. -#}
        {%- set rows = near_event_dates(new, column) -%}
    {%- elif has_null_dates -%}
        {%- set rows = rows ~ ' or (' ~ column ~ ' is null and ' ~ in_batches(new) ~ ')' -%}
    {%- endif -%}
    {{ return(rows | trim) }}
{%- endmacro %}
