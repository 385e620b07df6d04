{#
    Reading JSON records the same way on every engine.

    The engines disagree on repeated keys, on keys that differ in case, on objects where text is asked and on
    NaN. So a record is first brought to its canonical form (strict syntax, sorted keys, the last of repeated
    keys), and everything is read from that.
#}

{# The canonical text of a JSON object, or null when the text is no JSON object. #}
{% macro canonical_json_object(text) -%}
    {{ return(adapter.dispatch('canonical_json_object')(text)) }}
{%- endmacro %}

{% macro default__canonical_json_object(text) -%}
    case
        when
            substr(ltrim({{ text }}, chr(9) || chr(10) || chr(13) || ' '), 1, 1) = '{'
            {#- A lone surrogate is no text; Trino would turn it into a question mark. -#}
            and not regexp_like(
                {{ text }},
                '(?i)\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}'
            )
            then json_format(try(json_parse({{ text }})))
    end
{%- endmacro %}

{% macro duckdb__canonical_json_object(text) -%}
    canonical_json_object({{ text }})
{%- endmacro %}


{#
    An array with the text at each path of canonical JSON: null when missing, null, blank, an object or an array,
    and for a path that is none.
#}
{% macro json_texts(json, paths) -%}
    {{ return(adapter.dispatch('json_texts')(json, paths)) }}
{%- endmacro %}

{% macro default__json_texts(json, paths) -%}
    array[
        {%- for path in paths %}
        {%- if path is none %}
        cast(null as varchar){{ ',' if not loop.last }}
        {%- else %}
        {%- set text = 'json_extract_scalar(' ~ json ~ ", '" ~ json_path(path, bracketed=true) ~ "')" %}
        case when not regexp_like({{ text }}, '^[ \t\r\n]*$') then {{ text }} end{{ ',' if not loop.last }}
        {%- endif %}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro duckdb__json_texts(json, paths) -%}
    {%- set path_list -%}
        [{% for path in paths %}'{{ json_path(path or 'no such key') }}'{{ ', ' if not loop.last }}{% endfor %}]
    {%- endset -%}
    {#- `->>` gives the JSON text of objects: what looks like one is asked for its type. -#}
    list_transform(
        json_extract_string({{ json }}, {{ path_list }}),
        lambda text, i: case
            when left(text, 1) in ('{', '[') and json_type({{ json }}, {{ path_list }}[i]) in ('OBJECT', 'ARRAY')
                then null
            when trim(text, e' \t\r\n') = '' then null
            else text
        end
    )
{%- endmacro %}


{# An array with the kind of value at each path of canonical JSON: OBJECT, ARRAY, NULL, a scalar's, or null. #}
{% macro json_kinds(json, paths) -%}
    {{ return(adapter.dispatch('json_kinds')(json, paths)) }}
{%- endmacro %}

{% macro default__json_kinds(json, paths) -%}
    array[
        {%- for path in paths %}
        {%- set value = 'json_extract(' ~ json ~ ", '" ~ json_path(path, bracketed=true) ~ "')" %}
        case
            when {{ value }} is null then null
            when substr(json_format({{ value }}), 1, 1) = '{' then 'OBJECT'
            when substr(json_format({{ value }}), 1, 1) = '[' then 'ARRAY'
            when json_format({{ value }}) = 'null' then 'NULL'
            else 'SCALAR'
        end{{ ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro duckdb__json_kinds(json, paths) -%}
    json_type({{ json }}, [{% for path in paths %}'{{ json_path(path) }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}


{# 'eventData.properties.url' as a JSON path: `$."eventData"."properties"."url"`, or with bracketed keys. #}
{% macro json_path(path, bracketed=false) -%}
    {%- set keys = path.split('.') -%}
    {%- if bracketed -%}
        ${% for key in keys %}["{{ key }}"]{% endfor %}
    {%- else -%}
        ${% for key in keys %}."{{ key }}"{% endfor %}
    {%- endif -%}
{%- endmacro %}


{# The text inside base64, or null when it is no base64 of UTF-8 text. #}
{% macro decode_base64(text) -%}
    {{ return(adapter.dispatch('decode_base64')(text)) }}
{%- endmacro %}

{% macro default__decode_base64(text) -%}
    case
        when to_utf8(from_utf8(try(from_base64({{ text }})))) = try(from_base64({{ text }}))
            then from_utf8(try(from_base64({{ text }})))
    end
{%- endmacro %}

{% macro duckdb__decode_base64(text) -%}
    try(decode(from_base64({{ text }})))
{%- endmacro %}


{# The text at one path of canonical JSON: as json_texts. #}
{% macro json_text(json, path) -%}
    {{ json_texts(json, [path]) }}[1]
{%- endmacro %}
