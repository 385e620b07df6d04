{#
    What a run computed takes the place of the rows that it concerns, in one commit.

    A unit that is a date, a batch or a session is replaced as a whole: its rows lie on few days. A model whose unit
    may have rows on any day (a visitor, a product, everything) writes only the rows that differ: its `unique_key`, or
    else its unit, says which old row a new one replaces.
#}

{# Whether a model compares before it writes. #}
{% macro writes_changed_rows(plan) -%}
    {{ return(not plan.appends and not plan.unit.endswith('_date') and plan.unit not in (
        'batch_id', 'session_id', 'event_identity', 'session_reach', 'new_batches'
    )) }}
{%- endmacro %}

{# The columns of the key by which changed rows are replaced; none when all rows are. #}
{% macro key_of_rows(plan) -%}
    {%- set key = config.get('unique_key') or (plan.key if plan.kind == 'touched' else []) -%}
    {{ return([key] if key is string else key) }}
{%- endmacro %}

{#
    The rows to write (is_gone false) and those that go (is_gone true), out of the computed rows and the touched old ones.
    Without a key all of them, if any differs.
#}
{% macro sql_of_changed_rows(computed, target, columns, plan) -%}
    {%- set key = key_of_rows(plan) | join(', ') -%}
    {%- set listed = columns | join(', ') -%}
    with computed_rows as (
        select {{ listed }} from {{ computed }}
    ),
    old_rows as (
        select {{ listed }} from {{ target }} where {{ is_touched(plan) }}
    ),
    changed_rows as (
        (select {{ listed }} from computed_rows except select {{ listed }} from old_rows)
        union all
        (select {{ listed }} from old_rows except select {{ listed }} from computed_rows)
    )
    {%- set is_changed = '(' ~ key ~ ') in (select ' ~ key ~ ' from changed_rows)' if key
        else 'exists (select 1 from changed_rows)' %}
    select {{ listed }}, false as is_gone from computed_rows where {{ is_changed }}
    union all
    select {{ listed }}, true as is_gone from old_rows where {{ is_changed }}
{%- endmacro %}


{# The statements that replace the rows: DuckDB deletes and inserts in one transaction. #}
{% macro replace_rows_sql(plan, target, computed, changed, columns, only='true') -%}
    {{ return(adapter.dispatch('replace_rows_sql')(plan, target, computed, changed, columns, only)) }}
{%- endmacro %}

{% macro duckdb__replace_rows_sql(plan, target, computed, changed, columns, only) -%}
    {%- set listed = columns | join(', ') -%}
    {%- if plan.appends %}
    insert into {{ target }} ({{ listed }}) select {{ listed }} from {{ computed }}
    {%- elif changed is none %}
    delete from {{ target }} where {{ is_touched(plan) }};
    insert into {{ target }} ({{ listed }}) select {{ listed }} from {{ computed }}
    {%- else %}
    {%- set key = key_of_rows(plan) | join(', ') %}
    {%- set gone = '(' ~ key ~ ') in (select ' ~ key ~ ' from ' ~ changed ~ ' where is_gone)' if key
        else 'exists (select 1 from ' ~ changed ~ ')' %}
    delete from {{ target }} where {{ partition_days_of(changed) }} and {{ gone }};
    insert into {{ target }} ({{ listed }}) select {{ listed }} from {{ changed }} where not is_gone
    {%- endif %}
{%- endmacro %}

{#
    One MERGE. Its source has the new rows, which meet no old row and are inserted, and the keys of the old rows that
    go. Where the unit is a date, or everything goes, it has one row that meets all old rows of these dates.

    `only`, a condition on the table's own columns, leaves all other rows, new and old, for another statement: Athena
    writes no more than 100 partitions in one.
#}
{% macro default__replace_rows_sql(plan, target, computed, changed, columns, only) -%}
    {%- set listed = columns | join(', ') -%}
    {%- if plan.appends %}
    insert into {{ target }} ({{ listed }}) select {{ listed }} from {{ computed }} where {{ only }}
    {%- else %}
    {%- if changed is not none -%}
        {%- set key = key_of_rows(plan) -%}
        {%- set gone = 'select distinct ' ~ key | join(', ') ~ ' from ' ~ changed ~ ' where is_gone' -%}
        {%- set on = partition_days_of(changed) -%}
    {%- elif plan.unit.endswith('_date') -%}
        {%- set key = [] -%}
        {%- set on = is_touched(plan) -%}
    {%- else -%}
        {%- set key = plan.key -%}
        {%- set pruned = [] -%}
        {%- for column in partition_columns(model) if column in plan.days -%}
            {%- do pruned.append(is_on_days(plan, column)) -%}
        {%- endfor -%}
        {%- if 'select' in plan['keys'] -%}
            {%- set gone = 'select distinct ' ~ key | join(', ') ~ ' from (' ~ plan['keys'] ~ ') as touched' -%}
        {%- else -%}
            {%- set gone = 'select ' ~ key[0] ~ ' from (values ' ~ plan['keys'] ~ ') as touched (' ~ key[0] ~ ')' -%}
            {%- do pruned.append('old.' ~ key[0] ~ ' in (' ~ plan['keys'] ~ ')') -%}
        {%- endif -%}
        {%- set on = pruned | join(' and ') or 'true' -%}
    {%- endif %}
    merge into {{ target }} as old
    using (
        {#- Names of their own: a bare name in a condition is the old row's. #}
        select
            {%- for column in columns %}
            {{ column }} as new_{{ loop.index }},
            {%- endfor %}
            {%- for column in key or ['all'] %}
            null as gone_{{ loop.index }},
            {%- endfor %}
            false as is_gone
        from {{ computed if changed is none else changed }}
        where {{ only }}{% if changed is not none %} and not is_gone{% endif %}
        union all
        select
            {%- for column in columns %}
            null,
            {%- endfor %}
            {{ key | join(', ') if key else 1 }},
            true
        {%- if key %}
        from ({{ gone }}) as gone
        {%- elif changed is not none %}
        where exists (select 1 from {{ changed }})
        {%- endif %}
    ) as new
        on
            {%- if key %}
            {%- for column in key %}
            {{ as_text('old.' ~ column) if changed is none and key | length == 1 and column != 'batch_id' else 'old.' ~ column }} = gone_{{ loop.index }}
            and {% endfor -%}
            {%- else %}
            gone_1 = case when {{ on }} then 1 end
            and {% endif -%}
            {#- Once more: this is what prunes. #}
            {{ on }}
            {%- if only != 'true' %}
            and ({{ only }})
            {%- endif %}
    when matched then delete
    when not matched and not is_gone then insert ({{ listed }})
        values ({% for column in columns %}new_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif %}
{%- endmacro %}

{# The dates of the date partition on which rows go: only these partitions are looked at. #}
{% macro partition_days_of(changed) -%}
    {%- set column = date_partition(model) -%}
    {%- if column is none -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set rows = run_query('select distinct cast(' ~ column ~ ' as varchar) from ' ~ changed ~ ' where is_gone').rows -%}
    {{ return(in_dates(rows | map(attribute=0) | sort | list, column)) }}
{%- endmacro %}
