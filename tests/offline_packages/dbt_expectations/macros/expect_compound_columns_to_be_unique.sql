{#- Stand-in for dbt_expectations.expect_compound_columns_to_be_unique, written from its documentation: no two rows
    have the same values in all of these columns. Rows in which all of them (or any of them) are null are left out. -#}
{% test expect_compound_columns_to_be_unique(model, column_list, quote_columns=false, ignore_row_if='all_values_are_missing', row_condition=none) %}
    {{ return(adapter.dispatch('test_expect_compound_columns_to_be_unique', 'dbt_expectations')(
        model, column_list, quote_columns, ignore_row_if, row_condition
    )) }}
{% endtest %}

{% macro default__test_expect_compound_columns_to_be_unique(model, column_list, quote_columns, ignore_row_if, row_condition) %}
    {%- set joins = {'all_values_are_missing': ' or ', 'any_value_is_missing': ' and '} -%}
    {%- if ignore_row_if not in joins -%}
        {{ exceptions.raise_compiler_error(
            "expect_compound_columns_to_be_unique: ignore_row_if must be one of " ~ joins.keys() | join(', ')
        ) }}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- set present = [] -%}
    {%- for column in column_list -%}
        {%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
        {%- do present.append(columns | last ~ ' is not null') -%}
    {%- endfor %}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    where
        ({{ present | join(joins[ignore_row_if]) }})
        {%- if row_condition %}
        and ({{ row_condition }})
        {%- endif %}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endmacro %}
