{#- Stand-in for dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B, written from its documentation:
    in no row is A smaller than B, nor equal to it unless `or_equal`. Nulls pass. -#}
{% test expect_column_pair_values_A_to_be_greater_than_B(model, column_A, column_B, or_equal=false, row_condition=none) %}
    select *
    from {{ model }}
    where
        {{ column_A }} {{ '<' if or_equal else '<=' }} {{ column_B }}
        {%- if row_condition %}
        and ({{ row_condition }})
        {%- endif %}
{% endtest %}
