{#
    Properties of one's own as columns: an entry among the columns of fct_web_events in
    models/marts/core/_core__models.yml is all that it takes.

        - name: plan
          description: The plan that the visitor has. Null when the tracker did not send it.
          data_type: varchar
          config:
            meta:
              paths: {segment: [traits.plan, context.traits.plan], any: [plan]}

    paths: {format: JSON paths}, `any` for every format after its own. Of several paths the first that holds a text or a
    number wins. stg_web_events reads the column and fct_web_events carries it on; docs/formats.md says how to fill it for
    the past.
#}

{# The columns of fct_web_events with paths: name, type, paths, is_text; none before the project is parsed. #}
{% macro own_columns() -%}
    {%- set columns = [] -%}
    {#- Unit tests see no graph: they are of the project's own fields. -#}
    {%- if execute and graph.get('nodes') -%}
        {%- set facts = graph.nodes['model.' ~ project_name ~ '.fct_web_events'] -%}
        {%- for column in facts.columns.values() if column.config.meta.get('paths') -%}
            {%- set paths = {} -%}
            {%- for format, format_paths in column.config.meta.paths.items() -%}
                {%- if format != 'any' and format not in described_formats() -%}
                    {{ exceptions.raise_compiler_error(
                        'fct_web_events.' ~ column.name ~ ': meta.paths names the format ' ~ format ~ ', but there is none: '
                        ~ 'use ' ~ described_formats() | join(', ') ~ ' or any'
                    ) }}
                {%- endif -%}
                {%- do paths.update({format: [format_paths] if format_paths is string else format_paths}) -%}
            {%- endfor -%}
            {%- do columns.append({
                'name': column.name, 'type': column.data_type, 'paths': paths, 'is_text': is_text_type(column.data_type),
            }) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{# Whether values of a type are texts. #}
{% macro is_text_type(type) -%}
    {{ return(type.split('(')[0] | trim | lower in ('varchar', 'string', 'text')) }}
{%- endmacro %}


{# A text as a value of an own column's type; null when it is none. #}
{% macro own_value(text, type) -%}
    {%- set name = type.split('(')[0] | trim | lower -%}
    {%- if is_text_type(type) -%}
        {{ text }}
    {%- elif name in ('bigint', 'integer', 'int') -%}
        cast({{ to_whole_number(text) }} as {{ type }})
    {%- elif name in ('decimal', 'numeric') -%}
        case when {{ regexp_like(text, number_pattern()) }} then try_cast({{ text }} as {{ type }}) end
    {%- elif name == 'double' -%}
        {{ to_double(text) }}
    {%- elif name == 'boolean' -%}
        case when lower({{ text }}) in ('true', '1', 'yes') then true when lower({{ text }}) in ('false', '0', 'no') then false end
    {%- elif name == 'timestamp' -%}
        {{ parse_timestamp(text) }}
    {%- elif name == 'date' -%}
        cast({{ parse_timestamp(text) }} as date)
    {%- else -%}
        {{ exceptions.raise_compiler_error(
            'a column with meta.paths has the data_type ' ~ type ~ ': '
            ~ 'use varchar, bigint, decimal(p, s), double, boolean, timestamp(6) or date'
        ) }}
    {%- endif -%}
{%- endmacro %}
