{#
    What changed in a model, as the models that read it want to know it: of each tracked column the values of the rows,
    old and new, that changed. Rows (column_name, value) of a table of changes.

    A set of changes, as Jinja has it:
        model       the model that changed
        everything  all of it did: it was made anew
        columns     {column: {'days': the dates of a date or time column, sorted, else none; 'has_null': …}}
        values      a query of its rows (column_name, value)
#}

{# Note what this run changes in the model: `rows` is a query of the old and new rows; none when everything changed. #}
{% macro note_changes(columns, rows=none, again=false) -%}
    {%- set books = run_books() -%}
    {%- if rows is none -%}
        {%- do books.changed.update({model.name: {'model': model.name, 'everything': true, 'columns': {}, 'again': again}}) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set tracked = books.tracked[model.name] | select('in', columns) | list -%}
    {%- if not tracked -%}
        {#- Nobody asks for values: whether there is any change is enough. -#}
        {%- if run_query('select 1 from (' ~ rows ~ ') as changed limit 1').rows | length == 0 -%}
            {{ return(false) }}
        {%- endif -%}
        {%- do books.changed.update({model.name: {'model': model.name, 'everything': false, 'columns': {}, 'again': again}}) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set relation = adapter.dispatch('write_changes')(tracked, rows) -%}
    {%- set sets = sets_of_changes(relation, "run_number = " ~ books.run ~ " and model_name = '" ~ model.name ~ "'") -%}
    {%- if not sets -%}
        {{ return(false) }}
    {%- endif -%}
    {%- do books.changed.update({model.name: dict(sets[0], again=again)}) -%}
    {{ return(true) }}
{%- endmacro %}

{# The SELECT of the values of the tracked columns in the rows that changed, as int_changes keeps them. #}
{% macro values_of_changes(tracked, rows) -%}
    {%- for column in tracked %}
    select distinct
        {{ run_books().run }} as run_number,
        '{{ model.name }}' as model_name,
        '{{ column }}' as column_name,
        cast({{ 'cast(' ~ column ~ ' as date)' if column.endswith('_at') else column }} as varchar) as value
    from changed_rows
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# On the lakehouse's other engines the changes go to int_changes at once. #}
{% macro default__write_changes(tracked, rows) -%}
    {%- set kept = book('int_changes') -%}
    {%- do run_query(
        'insert into ' ~ kept ~ ' (run_number, model_name, column_name, value) with changed_rows as (' ~ rows ~ ') '
        ~ values_of_changes(tracked, rows)
    ) -%}
    {{ return(kept) }}
{%- endmacro %}

{#
    DuckDB keeps them in this process: it has no retry for two models that write to one table of the catalog at once.
    A transaction writes to one database only, so this one is ended.
#}
{% macro duckdb__write_changes(tracked, rows) -%}
    {%- set relation = 'memory.main.changes_of_' ~ model.name -%}
    {%- do adapter.commit() -%}
    {%- do run_query(
        'create or replace table ' ~ relation ~ ' as with changed_rows as (' ~ rows ~ ') ' ~ values_of_changes(tracked, rows)
    ) -%}
    {{ return(relation) }}
{%- endmacro %}


{# The sets of changes in a table of changes, one per model and run. #}
{% macro sets_of_changes(relation, where) -%}
    {%- set query -%}
        select
            run_number,
            model_name,
            column_name,
            case when column_name like '%\_date' escape '\' or column_name like '%\_at' escape '\' then value end as day,
            max(case when value is null then 1 else 0 end) as has_null
        from {{ relation }}
        where {{ where }}
        group by 1, 2, 3, 4
        order by 1, 2, 3, 4
    {%- endset -%}
    {%- set found = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- set name = row[0] ~ '.' ~ row[1] -%}
        {%- if name not in found -%}
            {%- do found.update({name: {
                'model': row[1], 'run': row[0] | int, 'everything': false, 'again': true, 'columns': {},
                'values': 'select column_name, value from ' ~ relation ~ " where run_number = " ~ row[0]
                    ~ " and model_name = '" ~ row[1] ~ "'",
            }}) -%}
        {%- endif -%}
        {%- set change = found[name] -%}
        {%- if row[2] == '*' -%}
            {%- do change.update({'everything': true}) -%}
        {%- else -%}
            {%- set column = change.columns.setdefault(row[2], {'days': none, 'has_null': false}) -%}
            {%- if row[2].endswith('_date') or row[2].endswith('_at') -%}
                {%- do column.update({'days': (column.days or []) + ([row[3]] if row[3] is not none else [])}) -%}
            {%- endif -%}
            {%- if row[4] | int == 1 -%}
                {%- do column.update({'has_null': true}) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found.values() | list) }}
{%- endmacro %}


{# At the end of a run: keep the changes of some models for those that wait, let go of what nobody waits for. #}
{% macro keep_changes(names, built_run) -%}
    {%- set books = run_books() -%}
    {%- set kept = book('int_changes') -%}
    {%- if kept is not none -%}
        {%- for name in names -%}
            {%- set changed = books.changed[name] -%}
            {%- if changed.everything or not changed.columns -%}
                {%- do run_query(
                    "insert into " ~ kept ~ " (run_number, model_name, column_name, value) values ("
                    ~ books.run ~ ", '" ~ name ~ "', '*', null)"
                ) -%}
            {%- else -%}
                {%- do adapter.dispatch('keep_values')(kept, changed) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if books.waiting or adapter.dispatch('keeps_all_changes')() == 'true' -%}
            {%- do run_query('delete from ' ~ kept ~ ' where run_number <= ' ~ built_run) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether changes go to int_changes at once, so that each run leaves some there. #}
{% macro default__keeps_all_changes() -%}
    true
{%- endmacro %}

{% macro duckdb__keeps_all_changes() -%}
    false
{%- endmacro %}

{% macro default__keep_values(kept, changed) -%}
{%- endmacro %}

{% macro duckdb__keep_values(kept, changed) -%}
    {%- do run_query(
        'insert into ' ~ kept ~ ' (run_number, model_name, column_name, value) select ' ~ run_books().run
        ~ ", '" ~ changed.model ~ "', column_name, value from (" ~ changed['values'] ~ ') as changed'
    ) -%}
{%- endmacro %}
