{#- Stand-in for dbt_utils.mutually_exclusive_ranges, written from its documentation: ranges of a partition do not
    overlap. `gaps` says how an end and the next start compare; an empty range and a null bound are errors. -#}
{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false) %}
    {{ return(adapter.dispatch('test_mutually_exclusive_ranges', 'dbt_utils')(
        model, lower_bound_column, upper_bound_column, partition_by, gaps, zero_length_range_allowed
    )) }}
{% endtest %}

{% macro default__test_mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false) %}
    {%- set comparisons = {'not_allowed': '=', 'allowed': '<=', 'required': '<'} -%}
    {%- if gaps not in comparisons -%}
        {{ exceptions.raise_compiler_error(
            "mutually_exclusive_ranges: gaps must be one of " ~ comparisons.keys() | join(', ') ~ ", not '" ~ gaps ~ "'"
        ) }}
    {%- endif -%}
    {%- set partition = 'partition by ' ~ partition_by if partition_by else '' %}
    select *
    from (
        select
            {{ partition_by if partition_by else 1 }} as range_group,
            {{ lower_bound_column }} as range_start,
            {{ upper_bound_column }} as range_end,
            lead({{ lower_bound_column }}) over (
                {{ partition }}
                order by {{ lower_bound_column }}, {{ upper_bound_column }}
            ) as next_start,
            row_number() over (
                {{ partition }}
                order by {{ lower_bound_column }} desc, {{ upper_bound_column }} desc
            ) as number_from_end
        from {{ model }}
    ) as ranges
    where
        not coalesce(range_start {{ '<=' if zero_length_range_allowed else '<' }} range_end, false)
        or not coalesce(range_end {{ comparisons[gaps] }} next_start, number_from_end = 1)
{% endmacro %}
