{#
    For cost only. In a CTE:

        where {{ touched() }}                     the rows whose unit (the model's rebuild_by) this run computes again
        where {{ touched(on='event_date') }}      the rows on the dates on which what changed lies
        … {{ touched(of='events') }}              by the columns of the relation `events`

    A model's SQL is the SELECT of its full refresh: this is the text `true`, in dbt compile, show and docs, too. When a
    run computes some rows only, it puts the condition in its place, here and around the whole SELECT. So leaving it out
    costs time where the engine does not push the outer condition down, never rows. `on` is right where all rows of a
    touched unit lie on these dates: for a model whose unit is that of the model it reads, or a date.
#}
{% macro touched(on=none, of=none) -%}
    true /* touched {{ on or 'unit' }} of {{ of or 'all' }} */
{%- endmacro %}

{# The SQL of a run that computes what the plan touches. #}
{% macro sql_of_touched_rows(compiled_code, plan) -%}
    {%- set sql = namespace(text=compiled_code | replace('1 /* this run */', run_books().run | string)) -%}
    {%- for found in modules.re.findall('true /[*] touched (\\w+) of (\\w+) [*]/', compiled_code) | unique -%}
        {%- set of = none if found[1] == 'all' else found[1] -%}
        {%- set condition = is_touched(plan, of, within=true) if found[0] == 'unit' else is_on_days(plan, found[0], of) -%}
        {%- set sql.text = sql.text | replace('true /* touched ' ~ found[0] ~ ' of ' ~ found[1] ~ ' */', condition) -%}
    {%- endfor -%}
    {%- if plan.kind == 'everything' -%}
        {{ return(sql.text) }}
    {%- endif -%}
    {{ return('select * from (\n' ~ sql.text ~ '\n) as computed where ' ~ is_touched(plan)) }}
{%- endmacro %}
