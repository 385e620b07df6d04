{#- Stand-in for dbt_expectations.expect_table_row_count_to_be_between, written from its documentation: the number of
    rows, or of the rows of each group, lies within the bounds; with `strictly` the bounds themselves are outside. -#}
{% test expect_table_row_count_to_be_between(model, min_value=none, max_value=none, group_by=none, row_condition=none, strictly=false) %}
    {%- if min_value is none and max_value is none -%}
        {{ exceptions.raise_compiler_error('expect_table_row_count_to_be_between: give min_value, max_value or both') }}
    {%- endif -%}
    {%- set outside = [] -%}
    {%- if min_value is not none -%}
        {%- do outside.append('row_count ' ~ ('<= ' if strictly else '< ') ~ min_value) -%}
    {%- endif -%}
    {%- if max_value is not none -%}
        {%- do outside.append('row_count ' ~ ('>= ' if strictly else '> ') ~ max_value) -%}
    {%- endif %}
    select *
    from (
        select
            {% for column in group_by or [] -%}
            {{ column }},
            {% endfor -%}
            count(*) as row_count
        from {{ model }}
        {{ 'where ' ~ row_condition if row_condition }}
        {{ 'group by ' ~ group_by | join(', ') if group_by }}
    ) as counted
    where {{ outside | join(' or ') }}
{% endtest %}
