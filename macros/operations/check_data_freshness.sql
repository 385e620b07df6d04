{#
    How old the newest data of each source is, by the loaders' own account:

        dbt run-operation check_data_freshness
        dbt run-operation check_data_freshness --args '{hours: 2}'

    Fails when the newest load of one is older than `hours`, else than the variable freshness_hours.
#}
{% macro check_data_freshness(hours=none) -%}
    {%- set limit = (var('freshness_hours') if hours is none else hours) | float -%}
    {%- set query -%}
        select
            dataset,
            source,
            {{ epoch_microseconds('max(loaded_at)') }} as loaded_microseconds,
            {{ epoch_microseconds('max(source_modified_at)') }} as modified_microseconds
        from {{ source('raw', 'load_batches') }}
        group by dataset, source
        order by dataset, source
    {%- endset -%}
    {%- set now = run_started_at.timestamp() -%}
    {%- set late = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- set loaded_hours = ((now - row[2] | int / 1000000) / 3600) | round(1) -%}
        {%- set modified_hours = ((now - row[3] | int / 1000000) / 3600) | round(1) -%}
        {%- do late.append(row[0] ~ ' of ' ~ row[1]) if loaded_hours > limit -%}
        {%- do log(
            row[0] ~ ' of ' ~ row[1] ~ ': loaded ' ~ loaded_hours ~ ' hours ago, the newest object is '
            ~ modified_hours ~ ' hours old' ~ (' - LATE' if loaded_hours > limit else ''), info=true
        ) -%}
    {%- endfor -%}
    {%- if late -%}
        {{ exceptions.raise_compiler_error('Nothing was loaded for more than ' ~ limit ~ ' hours: ' ~ late | join(', ')) }}
    {%- endif -%}
{%- endmacro %}
