{#- Stand-in for dbt_expectations.expect_column_values_to_be_between, written from its documentation: no value lies
    outside of the bounds; with `strictly` the bounds themselves are outside. Nulls pass. -#}
{% test expect_column_values_to_be_between(model, column_name, min_value=none, max_value=none, row_condition=none, strictly=false) %}
    {%- if min_value is none and max_value is none -%}
        {{ exceptions.raise_compiler_error('expect_column_values_to_be_between: give min_value, max_value or both') }}
    {%- endif -%}
    {%- set outside = [] -%}
    {%- if min_value is not none -%}
        {%- do outside.append(column_name ~ (' <= ' if strictly else ' < ') ~ min_value) -%}
    {%- endif -%}
    {%- if max_value is not none -%}
        {%- do outside.append(column_name ~ (' >= ' if strictly else ' > ') ~ max_value) -%}
    {%- endif %}
    select *
    from {{ model }}
    where
        ({{ outside | join(' or ') }})
        {%- if row_condition %}
        and ({{ row_condition }})
        {%- endif %}
{% endtest %}
