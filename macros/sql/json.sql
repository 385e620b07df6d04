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

{#
    What json_parse accepts and DuckDB's function refuses is left out: lone surrogates, numbers that no double holds,
    and objects nested deeper than 254 levels (a few thousand would end the query, try or not). Each is looked for in
    the text before parsing, since of repeated keys json_parse hides all but the last. The lambda is there to compute
    `text` once.
#}
{% macro default__canonical_json_object(text) -%}
    {#- What strings hold is no structure and no number. -#}
    {%- set structure = "regexp_replace(record, '\"(?:[^\"\\\\]++|\\\\.)*+\"', '\"')" -%}
    element_at(
        transform(
            array[{{ text }}],
            record -> case
                when not regexp_like(record, '^[ \t\r\n]*\{') then null
                when
                    regexp_like(record, '\\u[dD][89a-fA-F]')
                    and regexp_like(
                        regexp_replace(
                            record, '\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ''
                        ),
                        '\\u[dD][89a-fA-F]'
                    )
                    then null
                when
                    regexp_like(record, '[0-9][eE][+]?[0-9]{3}|[0-9]{200}')
                    and any_match(
                        regexp_extract_all({{ structure }}, '[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'),
                        number -> is_infinite(cast(number as double))
                    )
                    then null
                when
                    length(record) - length(replace(replace(record, '{', ''), '[', '')) > 254
                    and reduce(
                        regexp_extract_all({{ structure }}, '[{}]|\[|\]'),
                        cast(row(0, 0) as row(depth integer, deepest integer)),
                        (state, bracket) -> if(
                            bracket in ('{', '['),
                            cast(
                                row(state.depth + 1, greatest(state.depth + 1, state.deepest))
                                as row(depth integer, deepest integer)
                            ),
                            cast(row(state.depth - 1, state.deepest) as row(depth integer, deepest integer))
                        ),
                        state -> state.deepest
                    ) > 254
                    then null
                else json_format(try(json_parse(record)))
            end
        ),
        1
    )
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
    transform(
        array[
            {%- for path in paths %}
            {% if path is none -%}
            cast(null as varchar)
            {%- else -%}
            json_extract_scalar({{ json }}, '{{ json_path(path, bracketed=true) }}')
            {%- endif -%}
            {{ ',' if not loop.last }}
            {%- endfor %}
        ],
        text -> case
            {#- Only what may be a number that the engines write differently, and is no string in the record. #}
            when regexp_like(text, '^-?[0-9][.][0-9]+E-?[0-9]+$') and strpos({{ json }}, ':' || text) > 0
                then {{ plain_number_text('text') }}
            when regexp_like(text, '[^ \t\r\n]') then text
        end
    )
{%- endmacro %}

{# A number as DuckDB writes it (with a power of ten only below 1e-6 and from 1e21 on) from Java's 1.5E8. #}
{% macro plain_number_text(text) -%}
    {%- set digits = "regexp_replace(regexp_replace(" ~ text ~ ", 'E.*|[.-]', ''), '0+\\z', '')" -%}
    {%- set exponent = "cast(regexp_extract(" ~ text ~ ", 'E(.*)', 1) as integer)" -%}
    if(starts_with({{ text }}, '-'), '-', '') || case
        {#- Eight subnormal numbers, for which Java writes two digits though one is enough: 4.9E-324 for 5e-324. #}
        when {{ exponent }} in (-324, -323) and {{ digits }} = '99'
            then '1e' || cast({{ exponent }} + 1 as varchar)
        when {{ exponent }} in (-324, -323) and {{ digits }} like '_9'
            then cast(cast(substr({{ digits }}, 1, 1) as integer) + 1 as varchar) || 'e'
                || cast({{ exponent }} as varchar)
        when {{ exponent }} between 0 and 20 and length({{ digits }}) <= {{ exponent }} + 1
            then rpad({{ digits }}, {{ exponent }} + 1, '0') || '.0'
        when {{ exponent }} between 0 and 20
            then substr({{ digits }}, 1, {{ exponent }} + 1) || '.' || substr({{ digits }}, {{ exponent }} + 2)
        when {{ exponent }} between -6 and -1
            then '0.' || rpad('', -1 - {{ exponent }}, '0') || {{ digits }}
        else substr({{ digits }}, 1, 1) || if(length({{ digits }}) > 1, '.', '') || substr({{ digits }}, 2)
            || 'e' || cast({{ exponent }} as varchar)
    end
{%- endmacro %}

{% macro duckdb__json_texts(json, paths) -%}
    {%- set path_list -%}
        [{% for path in paths %}'{{ json_path(path or 'no such key') }}'{{ ', ' if not loop.last }}{% endfor %}]
    {%- endset -%}
    {#- `->>` gives the JSON text of objects: what looks like one is asked for its type. -#}
    list_transform(
        json_extract_string({{ json }}, {{ path_list }}),
        lambda text, i: case
            {#- Nearly all texts, by one look at their first bytes: neither blank nor an object or array. #}
            when text >= '!' and (text < '[' or text >= '\\' and text < '{') then text
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
    transform(
        array[
            {%- for path in paths %}
            json_extract({{ json }}, '{{ json_path(path, bracketed=true) }}'){{ ',' if not loop.last }}
            {%- endfor %}
        ],
        value -> case substr(json_format(value), 1, 1)
            when '{' then 'OBJECT'
            when '[' then 'ARRAY'
            when 'n' then 'NULL'
            else if(value is not null, 'SCALAR')
        end
    )
{%- endmacro %}

{% macro duckdb__json_kinds(json, paths) -%}
    json_type({{ json }}, [{% for path in paths %}'{{ json_path(path) }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}


{# An array with, for each path of canonical JSON, the array of the keys of the object there, or null. #}
{% macro json_keys(json, paths) -%}
    {{ return(adapter.dispatch('json_keys')(json, paths)) }}
{%- endmacro %}

{% macro default__json_keys(json, paths) -%}
    array[
        {%- for path in paths %}
        map_keys(try_cast(json_extract({{ json }}, '{{ json_path(path, bracketed=true) }}') as map(varchar, json)))
        {{- ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro duckdb__json_keys(json, paths) -%}
    json_keys({{ json }}, [{% for path in paths %}'{{ json_path(path) }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}


{# 'eventData.properties.url' as a JSON path: `$."eventData"."properties"."url"`, or with bracketed keys; '' is `$`. #}
{% macro json_path(path, bracketed=false) -%}
    {%- set keys = path.split('.') if path else [] -%}
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
    element_at(
        transform(
            {#- Padding is optional for Trino, not for DuckDB. -#}
            array[case when length({{ text }}) % 4 = 0 then try(from_base64({{ text }})) end],
            bytes -> case when to_utf8(from_utf8(bytes)) = bytes then from_utf8(bytes) end
        ),
        1
    )
{%- endmacro %}

{% macro duckdb__decode_base64(text) -%}
    {#- DuckDB alone would also read text after the padding. -#}
    case when regexp_matches({{ text }}, '^[A-Za-z0-9+/]*=?=?$') then try(decode(from_base64({{ text }}))) end
{%- endmacro %}


{# The text at one path of canonical JSON: as json_texts. #}
{% macro json_text(json, path) -%}
    {{ json_texts(json, [path]) }}[1]
{%- endmacro %}
