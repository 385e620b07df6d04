{#
    Seeds whose rows are rules, tried in the order of their `priority`. They become constants of one CASE: a join with
    their tables would try every row with every rule.
#}

{# The rules of a seed by priority: a dictionary of texts for each row, with the columns named and `priority`. #}
{% macro rules_of_seed(name, columns) -%}
    {%- set columns = ['priority'] + columns -%}
    {%- set rules = [] -%}
    {%- for row in seed_rows(name, columns) -%}
        {%- set rule = dict(zip(columns, row.values())) -%}
        {%- do rules.append(dict(rule, priority=rule.priority | int)) -%}
    {%- endfor -%}
    {{ return(rules | sort(attribute='priority')) }}
{%- endmacro %}

{#
    Whether a column is one of the texts that a cell of a rule lists: `cpc|ppc|paid*`, where a star at the end stands for
    anything. Of several columns one is enough.
#}
{% macro is_listed(columns, cell) -%}
    {%- set exact = [] -%}
    {%- set conditions = [] -%}
    {%- for text in cell.split('|') if not text.endswith('*') -%}
        {%- do exact.append(text) -%}
    {%- endfor -%}
    {%- for column in ([columns] if columns is string else columns) -%}
        {%- if exact -%}
            {%- do conditions.append(column ~ ' in (' ~ sql_texts(exact) ~ ')') -%}
        {%- endif -%}
        {%- for text in cell.split('|') if text.endswith('*') -%}
            {%- do conditions.append('starts_with(' ~ column ~ ', ' ~ sql_texts([text[:-1]]) ~ ')') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')') }}
{%- endmacro %}

{# A CASE of what rules give: `cases` are (conditions, value), all of a case's conditions must hold. #}
{% macro first_that_holds(cases, type) -%}
    {%- if not cases -%}
        cast(null as {{ type }})
    {%- else -%}
    cast(case
        {%- for conditions, value in cases %}
        when {{ conditions | join(' and ') or 'true' }} then {{ value }}
        {%- endfor %}
    end as {{ type }})
    {%- endif -%}
{%- endmacro %}
