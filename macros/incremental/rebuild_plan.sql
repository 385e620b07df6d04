{#
    What a run has to do for a model: nothing, everything, or the rows of some values of its unit. A plan is
        kind    nothing, touched or everything
        why     for everything: the reason, for people
        again   a run before may have written part of it already: compare with the rows as they were recorded
        unit    what the model declares as rebuild_by
        key     the columns of the unit
        days    {column: sorted dates} for the columns of which all touched dates are known
        nulls   the columns of which rows without a value are touched
        appends old rows of the unit can't be there
        swaps   for everything: a new table takes the place of the old one; else the rows that differ are written
        keys    for a unit that is no date: a query of the touched values, columns as in `key`
        sets    the changes that it follows from
#}

{% macro rebuild_plan(compiled_code) -%}
    {%- set books = run_books() -%}
    {%- set unit = rebuilt_by(model) -%}
    {%- set plan = {
        'kind': 'nothing', 'why': none, 'again': false, 'unit': unit, 'key': [unit], 'days': {}, 'nulls': [], 'sets': [],
        'keys': none, 'appends': false, 'swaps': unit != 'everything',
    } -%}
    {%- set record = books.records.get(model.name) -%}
    {%- set window = backfill_window() -%}
    {%- if unit == 'nothing' -%}
        {{ return(plan) }}
    {%- elif unit == 'new_batches' -%}
        {{ return(plan_of_new_batches(plan)) }}
    {%- elif record is none -%}
        {{ return(dict(plan, kind='everything', why='there is no record of what it was built from')) }}
    {%- elif record.known_run < books.last_run -%}
        {{ return(dict(plan, kind='everything', why='the last runs did not know it')) }}
    {%- endif -%}

    {%- set sets = sets_to_build(record) -%}
    {%- if sets is none -%}
        {{ return(dict(plan, kind='everything', why='changes that it waited for are not kept in int_changes')) }}
    {%- endif -%}
    {%- set again = sets | selectattr('again') | list | length > 0 -%}
    {%- do plan.update({'sets': sets, 'again': again}) -%}
    {%- if (is_computed_once(model) or (unit == 'everything' and not sets)) and code_differs(compiled_code) -%}
        {{ return(dict(plan, kind='everything', swaps=false)) }}
    {%- endif -%}
    {%- if not sets and window is none -%}
        {{ return(plan) }}
    {%- endif -%}
    {%- if unit == 'everything' -%}
        {{ return(dict(plan, kind='everything')) }}
    {%- endif -%}

    {%- set lookups = (config.get('meta') or {}).get('lookups', []) -%}
    {%- do refuse_stale_lookups(lookups) -%}
    {%- for change in sets if change.model not in lookups -%}
        {%- if change.everything -%}
            {{ return(dict(plan, kind='everything', why=change.model ~ ' was built anew')) }}
        {%- endif -%}
        {%- if unit in ['event_identity', 'session_reach'] -%}
            {#- Asks by itself. -#}
        {%- elif unit not in change.columns -%}
            {{ return(dict(plan, kind='everything', why=change.model ~ ', which has no ' ~ unit ~ ', changed')) }}
        {%- endif -%}
    {%- endfor -%}
    {%- set followed = sets | rejectattr('model', 'in', lookups) | list -%}
    {%- if not followed and window is none -%}
        {#- Only lookups changed. -#}
        {{ return(plan) }}
    {%- endif -%}
    {%- set before = before_recorded(record) if again else this -%}
    {%- if before is none -%}
        {{ return(dict(plan, kind='everything', why='its rows of the last complete run are not kept any more')) }}
    {%- endif -%}
    {%- set rest = set_of_killed_runs(record, before, compiled_code) if again else none -%}
    {%- do plan.update({'kind': 'touched', 'sets': followed + ([rest] if rest else [])}) -%}

    {%- if unit == 'event_identity' -%}
        {{ return(plan_of_event_identity(plan)) }}
    {%- elif unit == 'session_reach' -%}
        {{ return(plan_of_session_reach(plan, before)) }}
    {%- endif -%}
    {{ return(plan_of_column(plan, unit, window, compiled_code)) }}
{%- endmacro %}


{#
    A lookup that this run leaves out, while what it reads has changed in this run: rows that are computed now would miss its
    new rows for good.
#}
{% macro refuse_stale_lookups(lookups) -%}
    {%- set books = run_books() -%}
    {%- for lookup in lookups if ('model.' ~ project_name ~ '.' ~ lookup) not in selected_resources -%}
        {%- if books.parents.get(lookup, []) | select('in', books.changed) | list -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ' looks up rows of ' ~ lookup ~ ', which this run leaves out though what it reads has changed: '
                ~ 'select ' ~ lookup ~ ', too'
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}


{# The changes that the model has not been built from; none when some of them are lost. #}
{% macro sets_to_build(record) -%}
    {%- set books = run_books() -%}
    {%- set sets = [] -%}
    {%- for parent in books.parents[model.name] -%}
        {%- if parent == 'int_loaded_objects' -%}
            {%- if books.taken_up > record.built_run -%}
                {%- do sets.append(set_of_loaded_objects(record)) -%}
            {%- endif -%}
        {%- elif parent not in books.tracked -%}
            {#- A snapshot keeps no account of what changed in it. -#}
            {%- do sets.append({'model': parent, 'everything': false, 'again': false, 'columns': {}}) -%}
        {%- else -%}
            {%- if parent in books.changed -%}
                {%- do sets.append(books.changed[parent]) -%}
            {%- endif -%}
            {%- for change in books.waiting if change.model == parent and change.run > record.built_run -%}
                {%- do sets.append(change) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if sets | selectattr('run', 'defined') | selectattr('run', 'le', books.last_run) | list | length
        < record.waiting_sets -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(sets) }}
{%- endmacro %}


{# A plan whose unit is one column, which all that changed has. #}
{% macro plan_of_column(plan, unit, window, compiled_code) -%}
    {%- set values = [] -%}
    {%- for change in plan.sets -%}
        {%- do values.append(values_of(change, unit)) -%}
    {%- endfor -%}
    {%- if window is none -%}
        {%- set asked = modules.re.findall('touched (\\w+) of', compiled_code) | reject('equalto', 'unit') | list -%}
        {%- do plan.update(known_days(plan, ([unit] + partition_columns(model) + asked) | unique | list)) -%}
    {%- else -%}
        {%- set found = window_values(plan, unit, window) -%}
        {%- if found is none and not plan.sets -%}
            {%- do log(model.name ~ ': the tables it reads have no rows by day, a back-fill leaves it as it is', info=true) -%}
            {{ return(dict(plan, kind='nothing')) }}
        {%- endif -%}
        {%- do values.extend(found or []) -%}
    {%- endif -%}
    {%- if not unit.endswith('_date') -%}
        {%- set keys = 'select value as ' ~ unit ~ ' from (' ~ values | join(' union all ') ~ ') as touched' -%}
        {%- if is_computed_once(model) and window is none -%}
            {%- set known = before_recorded(run_books().records[model.name]) if plan.again else this -%}
            {%- set keys = keys ~ ' where value not in (select ' ~ as_text(unit) ~ ' from ' ~ known ~ ' as known)' -%}
            {%- do plan.update({'appends': not plan.again}) -%}
        {%- endif -%}
        {%- if unit == 'batch_id' -%}
            {#- A few batches are named: engines leave out the files of others when they plan a statement. -#}
            {%- set batches = run_query('select distinct batch_id from (' ~ keys ~ ') as batches order by 1 limit 201').rows
                | map(attribute=0) | list -%}
            {%- if batches | length <= 200 -%}
                {%- set keys = quoted_texts(batches) -%}
            {%- endif -%}
            {#- Batches that this very run took up. -#}
            {%- do plan.update({'appends': window is none and not plan.again
                and plan.sets | rejectattr('rows', 'defined') | list | length == 0}) -%}
        {%- endif -%}
        {%- do plan.update({'keys': keys}) -%}
    {%- endif -%}
    {{ return(plan) }}
{%- endmacro %}

{# A query (value) of what a set of changes has for a column. #}
{% macro values_of(change, column) -%}
    {%- if 'rows' in change -%}
        {{ return('select cast(' ~ column ~ ' as varchar) as value from ' ~ change.rows) }}
    {%- endif -%}
    {{ return('select value from (' ~ change['values'] ~ ") as changed where column_name = '" ~ column ~ "'") }}
{%- endmacro %}

{# Of which of some columns all touched dates are known, and of which rows without a value are touched. #}
{% macro known_days(plan, columns) -%}
    {%- set days = dict(plan.days) -%}
    {%- set nulls = [] -%}
    {%- for column in columns -%}
        {%- set found = namespace(days=[], known=true) -%}
        {%- for change in plan.sets -%}
            {%- set values = change.columns.get(column) -%}
            {%- if values and values.days is not none -%}
                {%- set found.days = found.days + values.days -%}
            {%- else -%}
                {%- set found.known = false -%}
            {%- endif -%}
            {%- if values and values.has_null -%}
                {%- do nulls.append(column) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if found.known and (column.endswith('_date') or column.endswith('_at')) -%}
            {%- do days.update({column: found.days | unique | sort | list}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'days': days, 'nulls': nulls | unique | list}) }}
{%- endmacro %}


{#
    What runs that were killed have left in the model's own table, as a set of changes: the rows that it has and had not when
    the books were written last, and the other way. None when it is as it was. The models read may have moved on since, so
    they do not tell of it any more.
#}
{% macro set_of_killed_runs(record, before, compiled_code) -%}
    {%- if run_query(current_snapshot(this)).rows[0][0] | string == record.snapshot_id | string -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set listed = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    {%- set names = listed | join(', ') -%}
    {%- set rows = keep_rows('rows_of_killed_runs',
        '(select ' ~ names ~ ' from ' ~ this ~ ' except select ' ~ names ~ ' from ' ~ before ~ ' as before) union all '
        ~ '(select ' ~ names ~ ' from ' ~ before ~ ' as before except select ' ~ names ~ ' from ' ~ this ~ ')') -%}
    {%- set asked = modules.re.findall('touched (\\w+) of', compiled_code) -%}
    {%- set columns = {} -%}
    {%- for column in (columns_of_unit(rebuilt_by(model)) + partition_columns(model) + asked) | unique if column in listed -%}
        {%- set found = {'days': none, 'has_null': false} -%}
        {%- if column.endswith('_date') or column.endswith('_at') -%}
            {%- set days = run_query(
                'select distinct cast(cast(' ~ column ~ ' as date) as varchar) from ' ~ rows
            ).rows | map(attribute=0) | list -%}
            {%- do found.update({'days': days | reject('none') | sort | list, 'has_null': none in days}) -%}
        {%- else -%}
            {%- set nulls = run_query('select 1 from ' ~ rows ~ ' where ' ~ column ~ ' is null limit 1').rows -%}
            {%- do found.update({'has_null': nulls | length > 0}) -%}
        {%- endif -%}
        {%- do columns.update({column: found}) -%}
    {%- endfor -%}
    {{ return({'model': model.name, 'everything': false, 'again': true, 'rows': rows, 'columns': columns}) }}
{%- endmacro %}

{# The table as it was when the books were written last, none where that is not kept any more. #}
{% macro before_recorded(record) -%}
    {%- if record.snapshot_id is none -%}
        {#- It was empty. -#}
        {{ return('(select * from ' ~ this ~ ' where false)') }}
    {%- endif -%}
    {%- if run_query('select 1 from (' ~ all_snapshots(this) ~ ') as kept where snapshot_id = ' ~ record.snapshot_id).rows
        | length == 0 -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(as_of(this, record.snapshot_id)) }}
{%- endmacro %}


{#
    Whether a row of the model is one that the plan touches. `within`: in a CTE, whose columns may be others than the
    model's, or those of what `of` names.
#}
{% macro is_touched(plan, of=none, within=false) -%}
    {%- set prefix = of ~ '.' if of else '' -%}
    {%- if plan.kind == 'everything' -%}
        {{ return('true') }}
    {%- elif plan.unit.endswith('_date') -%}
        {{ return(is_on_days(plan, plan.unit, of)) }}
    {%- endif -%}
    {%- set conditions = [] -%}
    {#- A unit that the models read replace as a whole has its rows on the days of their changes; others on any day. -#}
    {%- for column in partition_columns(model)
        if column in plan.days and not writes_changed_rows(plan) and (not within or plan.key | length > 1) -%}
        {%- do conditions.append(is_on_days(plan, column, of)) -%}
    {%- endfor -%}
    {%- set columns = [] -%}
    {%- for column in plan.key -%}
        {#- A text as it is: a cast would keep engines from leaving out files. -#}
        {%- do columns.append(as_text(prefix ~ column) if plan.key | length == 1 and column != 'batch_id' else prefix ~ column) -%}
    {%- endfor -%}
    {%- set is_in = (columns[0] if columns | length == 1 else '(' ~ columns | join(', ') ~ ')') ~ ' in (' ~ plan['keys'] ~ ')' -%}
    {%- if plan.unit in plan.nulls -%}
        {%- set is_in = '(' ~ is_in ~ ' or ' ~ prefix ~ plan.unit ~ ' is null)' -%}
    {%- endif -%}
    {%- do conditions.append(is_in) -%}
    {{ return(conditions | join(' and ')) }}
{%- endmacro %}

{# Texts as SQL literals. #}
{% macro quoted_texts(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append("'" ~ text | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{ return(quoted | join(', ') or 'null') }}
{%- endmacro %}

{# A column as text, as values of units are kept. #}
{% macro as_text(column) -%}
    {{ return('cast(' ~ column ~ ' as varchar)') }}
{%- endmacro %}

{# Whether a row lies on the touched dates of a column; true where these are not known. #}
{% macro is_on_days(plan, column, of=none) -%}
    {%- set name = (of ~ '.' if of else '') ~ column -%}
    {%- if plan.kind == 'everything' or column not in plan.days -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set on_days = in_days(plan.days[column], name) if column.endswith('_at') else in_dates(plan.days[column], name) -%}
    {{ return('(' ~ on_days ~ ' or ' ~ name ~ ' is null)' if column in plan.nulls else on_days) }}
{%- endmacro %}
