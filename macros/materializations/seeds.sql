{#
    How seeds are made, on all engines: as Iceberg tables like models, in one commit, and left alone while the CSV holds
    the rows that the table has.

    Each column needs a type (config.column_types): dbt would guess one from the values, and read 007 as 7. A cell that
    is empty, or reads null, is null.
#}

{% materialization seed, default %}
    {%- set relation = this.incorporate(type='table') -%}
    {%- set existing = load_relation(this) -%}
    {%- set rows = load_agate_table() -%}
    {%- do store_result('agate_table', response='OK', agate_table=rows) -%}
    {%- set computed = seed_query(rows) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if existing is not none and (should_full_refresh() or not has_columns(existing, rows.column_names)) -%}
        {%- do drop_relation(existing) -%}
        {%- set existing = none -%}
    {%- endif -%}
    {%- if existing is none -%}
        {%- call statement('main') -%}
            {{ create_table_as(false, relation, computed) }}
        {%- endcall -%}
    {%- elif holds_rows(relation, computed) -%}
        {%- call noop_statement('main', 'NOTHING NEW') -%}{%- endcall -%}
        {{ return({'relations': [relation]}) }}
    {%- else -%}
        {%- call statement('main') -%}
            {{ replace_seed_rows(relation, rows.column_names, computed) }}
        {%- endcall -%}
    {%- endif -%}

    {%- do persist_docs(relation, model) -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}


{# A query that gives the rows of a seed's CSV. #}
{% macro seed_query(rows) -%}
    {%- set types = config.get('column_types', {}) -%}
    select
        {%- for column in rows.column_names %}
        {%- if column not in types -%}
            {{ exceptions.raise_compiler_error(
                'seed ' ~ model.name ~ ': column ' ~ column ~ ' has no type: add it to config.column_types'
            ) }}
        {%- endif %}
        cast({{ adapter.quote(column) }} as {{ types[column] }}) as {{ adapter.quote(column) }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from (
        values
        {#- A row of nulls, left out again: a seed may be empty. #}
        ({% for column in rows.column_names %}cast(null as varchar), {% endfor %}false)
        {%- for row in rows.rows %},
        (
            {%- for value in row -%}
            {{ 'null' if value is none else "'" ~ (value | string | replace("'", "''")) ~ "'" }}, {% endfor -%}
            true)
        {%- endfor %}
    ) as lines (
        {%- for column in rows.column_names %}{{ adapter.quote(column) }}, {% endfor %}is_row)
    where is_row
{%- endmacro %}

{# Whether a table has these columns and no other. #}
{% macro has_columns(relation, names) -%}
    {%- set found = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
    {{ return(found | sort == names | map('lower') | sort) }}
{%- endmacro %}

{# Whether a table has the rows that a query gives, and no other. #}
{% macro holds_rows(relation, query) -%}
    {%- set comparison -%}
        select count(*) from (
            select *, count(*) over () as row_count from ({{ query }}) as computed
            except
            select *, count(*) over () as row_count from {{ relation }}
        ) as missing
    {%- endset -%}
    {%- set difference = run_query(comparison).rows[0][0] -%}
    {%- set counts = run_query(
        'select (select count(*) from (' ~ query ~ ') as computed) - (select count(*) from ' ~ relation ~ ')'
    ).rows[0][0] -%}
    {{ return(difference == 0 and counts == 0) }}
{%- endmacro %}


{# The statements that put the rows that a query gives in place of all rows of a seed's table, in one commit. #}
{% macro replace_seed_rows(relation, names, query) -%}
    {{ return(adapter.dispatch('replace_seed_rows')(relation, names, query)) }}
{%- endmacro %}

{% macro default__replace_seed_rows(relation, names, query) -%}
    {#- One MERGE: the row with is_gone meets all old rows, the others meet none. #}
    merge into {{ relation }} as old
    using (
        select {% for name in names %}{{ adapter.quote(name) }} as new_{{ loop.index }}, {% endfor %}false as is_gone
        from ({{ query }}) as computed
        union all
        select {% for name in names %}null, {% endfor %}true
    ) as new
        on is_gone
    when matched then delete
    when not matched and not is_gone then insert (
        {%- for name in names %}{{ adapter.quote(name) }}{{ ', ' if not loop.last }}{% endfor %})
        values ({% for name in names %}new_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro duckdb__replace_seed_rows(relation, names, query) -%}
    delete from {{ relation }};
    insert into {{ relation }} {{ query }}
{%- endmacro %}


{#
    The rows of a seed while a model is compiled: lists of texts, in the order of the seed's table after sorting. For
    seeds that become constants of a model's SQL. The model says `depends_on: ref(...)` in a comment, as this is no ref.
#}
{% macro seed_rows(name, columns) -%}
    {%- if not execute -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set node = graph.nodes.values()
        | selectattr('resource_type', 'equalto', 'seed') | selectattr('name', 'equalto', name) | first -%}
    {%- set relation = relation_to_read(node) -%}
    {%- if relation is not none -%}
        {%- set texts = [] -%}
        {%- for column in columns -%}
            {%- do texts.append('cast(' ~ column ~ ' as varchar) as ' ~ column) -%}
        {%- endfor -%}
        {{ return(run_query(
            'select ' ~ texts | join(', ') ~ ' from ' ~ relation ~ ' order by ' ~ columns | join(', ')
        ).rows) }}
    {%- endif -%}
    {#- Compiling alone (linters, documentation) needs no lake. #}
    {%- if flags.WHICH in ('run', 'build', 'test', 'retry') -%}
        {{ exceptions.raise_compiler_error(
            'the seed ' ~ name ~ ' is not in the lake yet: run dbt seed, or dbt build, which includes it'
        ) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}
