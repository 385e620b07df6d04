{#
    What the data tests of a large table look at.

    In `dbt build` they look at the dates on which the model's rows changed: that is where this build wrote, so their
    time follows the batch. In `dbt test` and in a full refresh they look at the whole table: run `dbt test` nightly.
    A model with a failed test does not count as built (record_run), so the next build writes these dates
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
    {%- if not execute or flags.WHICH != 'build' or flags.FULL_REFRESH or not run_books() -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set tested = graph.nodes['model.' ~ project_name ~ '.' ~ name] -%}
    {%- set column = date_partition(tested) -%}
    {%- if tested.config.materialized != 'incremental' or column is none -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set changed = run_books().changed.get(name) -%}
    {%- if not changed -%}
        {{ return(['false']) }}
    {%- elif changed.everything or column not in changed.columns -%}
        {{ return(['true']) }}
    {%- endif -%}
    {%- set conditions = [in_dates(changed.columns[column].days, column)] -%}
    {%- if changed.columns[column].has_null -%}
        {%- set unit = rebuilt_by(tested) -%}
        {%- do conditions.append(
            column ~ ' is null' ~ (' and ' ~ as_text(unit) ~ ' in (' ~ values_of(changed, unit) ~ ')'
            if unit in changed.columns else '')
        ) -%}
    {%- endif -%}
    {{ return(conditions) }}
{%- endmacro %}
