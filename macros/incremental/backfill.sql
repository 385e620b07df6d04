{#
    The days that a run is asked to build again, none when it is not:

        dbt run --select fct_web_events+ --vars '{backfill_start: 2026-01-05, backfill_end: 2026-01-11}'

    Both days belong to the window. What is new is built as well, as in any run. A model whose unit is no date builds
    the units again that have rows on these days, in its own table or in those that it reads.
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


{#
    For a model whose unit is one column: queries (value) of the units that have rows in the window, none where no table
    tells. The plan gets the dates of which all are known.
#}
{% macro window_values(plan, unit, window) -%}
    {%- set known = known_days(plan, [unit] + partition_columns(model)) -%}
    {%- do plan.update({'nulls': known.nulls}) -%}
    {%- if unit.endswith('_date') -%}
        {%- if unit in known.days -%}
            {%- set days = known.days[unit] + dates_between(window.first, window.last) -%}
            {%- do plan.update({'days': {unit: days | unique | sort | list}}) -%}
        {%- endif -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set values = [] -%}
    {%- set tables = [] -%}
    {%- for name in [model.name] + run_books().parents[model.name] -%}
        {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ name) -%}
        {%- set date_column = date_partition(node) if node else none -%}
        {%- set relation = book(name) if date_column else none -%}
        {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list if relation else [] -%}
        {%- if unit in columns -%}
            {%- do values.append(
                'select distinct ' ~ as_text(unit) ~ ' as value from ' ~ relation ~ ' where ' ~ in_window(window, date_column)
            ) -%}
            {%- do tables.append({'relation': relation, 'columns': columns}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not values -%}
        {{ return(none) }}
    {%- endif -%}
    {#- All dates on which these units have rows, where all tables tell. -#}
    {%- set days = {} -%}
    {%- for column in partition_columns(model) if column.endswith('_date') and column in known.days -%}
        {%- set found = namespace(days=known.days[column], known=true) -%}
        {%- for table in tables -%}
            {%- if column in table.columns -%}
                {%- set query -%}
                    select distinct cast({{ column }} as varchar) from {{ table.relation }}
                    where {{ as_text(unit) }} in ({{ values | join(' union ') }}) and {{ column }} is not null
                {%- endset -%}
                {%- set found.days = found.days + run_query(query).rows | map(attribute=0) | list -%}
            {%- else -%}
                {%- set found.known = false -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if found.known -%}
            {%- do days.update({column: found.days | unique | sort | list}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if unit == 'batch_id' -%}
        {%- set query -%}
            select distinct cast(cast(loaded_at as date) as varchar) from {{ book('int_loaded_objects') }}
            where batch_id in ({{ values | join(' union ') }})
        {%- endset -%}
        {%- do days.update({'loaded_at': run_query(query).rows | map(attribute=0) | sort | list}) -%}
    {%- endif -%}
    {%- do plan.update({'days': days}) -%}
    {{ return(values) }}
{%- endmacro %}
