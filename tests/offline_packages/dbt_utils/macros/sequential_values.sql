{#- Stand-in for dbt_utils.sequential_values, written from its documentation: in the order of the column, in each group,
    a value is one interval greater than the value before it. -#}
{% test sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
    {{ return(adapter.dispatch('test_sequential_values', 'dbt_utils')(
        model, column_name, interval, datepart, group_by_columns
    )) }}
{% endtest %}

{% macro default__test_sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
    select *
    from (
        select
            {% for column in group_by_columns -%}
            {{ column }},
            {% endfor -%}
            {{ column_name }} as this_value,
            lag({{ column_name }}) over (
                {{ 'partition by ' ~ group_by_columns | join(', ') if group_by_columns }}
                order by {{ column_name }}
            ) as value_before
        from {{ model }}
    ) as values_in_order
    where
        {%- if datepart is none %}
        this_value <> value_before + {{ interval }}
        {%- else %}
        cast(this_value as {{ dbt.type_timestamp() }})
        <> cast({{ dbt.dateadd(datepart, interval, 'value_before') }} as {{ dbt.type_timestamp() }})
        {%- endif %}
{% endmacro %}
