{#- Stand-in for dbt_expectations.expect_column_distinct_count_to_equal_other_table, written from its documentation:
    the column has as many distinct values as a column of another table. -#}
{% test expect_column_distinct_count_to_equal_other_table(model, compare_model, column_name, compare_column_name, row_condition=none, compare_row_condition=none) %}
    select *
    from (
        select
            (
                select count(distinct {{ column_name }}) from {{ model }}
                {{ 'where ' ~ row_condition if row_condition }}
            ) as distinct_count,
            (
                select count(distinct {{ compare_column_name }}) from {{ compare_model }}
                {{ 'where ' ~ compare_row_condition if compare_row_condition }}
            ) as compare_distinct_count
    ) as counted
    where distinct_count <> compare_distinct_count
{% endtest %}
