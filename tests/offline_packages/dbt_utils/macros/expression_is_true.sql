{#- Stand-in for dbt_utils.expression_is_true, written from its documentation: an expression is false for no row. On a
    column the expression is what follows the column's name. -#}
{% test expression_is_true(model, expression, column_name=none) %}
    {{ return(adapter.dispatch('test_expression_is_true', 'dbt_utils')(model, expression, column_name)) }}
{% endtest %}

{% macro default__test_expression_is_true(model, expression, column_name) %}
    select {{ '*' if should_store_failures() else '1 as failure' }}
    from {{ model }}
    where not ({{ column_name if column_name is not none }} {{ expression }})
{% endmacro %}
