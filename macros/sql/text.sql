{# Small text functions that the engines name differently. #}

{# Whether a regular expression matches anywhere in a text. #}
{% macro regexp_like(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_like')(text, pattern)) }}
{%- endmacro %}

{% macro default__regexp_like(text, pattern) -%}
    regexp_like({{ text }}, '{{ end_of_text(pattern) }}')
{%- endmacro %}

{% macro duckdb__regexp_like(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}


{# Whether a text contains another one, a constant. #}
{% macro contains_text(text, part) -%}
    {{ return(adapter.dispatch('contains_text')(text, part)) }}
{%- endmacro %}

{% macro default__contains_text(text, part) -%}
    strpos({{ text }}, {{ sql_texts([part]) }}) > 0
{%- endmacro %}

{% macro duckdb__contains_text(text, part) -%}
    contains({{ text }}, {{ sql_texts([part]) }})
{%- endmacro %}


{#
    A text with every match of a pattern replaced, by a text or by what groups matched (a list of their numbers; a group
    that took no part gives nothing).
#}
{% macro regexp_replace_all(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('regexp_replace_all')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__regexp_replace_all(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }}, '{{ pattern }}', '{{ replacement if replacement is string else '$' ~ replacement | join('$') }}'
    )
{%- endmacro %}

{% macro duckdb__regexp_replace_all(text, pattern, replacement) -%}
    regexp_replace(
        {{ text }}, '{{ pattern }}', '{{ replacement if replacement is string else '\\' ~ replacement | join('\\') }}', 'g'
    )
{%- endmacro %}


{# A text in which each match of a pattern is what `change`, a macro, makes of it. #}
{% macro replace_matches(text, pattern, change) -%}
    {{ return(adapter.dispatch('replace_matches')(text, pattern, change)) }}
{%- endmacro %}

{% macro default__replace_matches(text, pattern, change) -%}
    regexp_replace({{ text }}, '({{ pattern }})', found -> {{ change('found[1]') }})
{%- endmacro %}

{# There are as many matches as there are places between the parts. #}
{% macro duckdb__replace_matches(text, pattern, change) -%}
    array_to_string(
        list_transform(
            list_zip(
                string_split_regex({{ text }}, '{{ pattern }}'),
                list_transform(regexp_extract_all({{ text }}, '{{ pattern }}'), lambda found: {{ change('found') }})
            ),
            lambda part: concat(part[1], part[2])
        ),
        ''
    )
{%- endmacro %}


{# A pattern whose last `$` is the very end of the text on every engine: Java's also matches before a last line feed. #}
{% macro end_of_text(pattern) -%}
    {{ return(pattern[:-1] ~ '\\z' if pattern.endswith('$') else pattern) }}
{%- endmacro %}


{# A text without blanks (space, tab, line feed, carriage return) at its ends. #}
{% macro trim_blanks(text) -%}
    trim(both ' ' || chr(9) || chr(10) || chr(13) from {{ text }})
{%- endmacro %}


{# The texts of an array as one, with something between them. #}
{% macro join_texts(texts, between) -%}
    {{ return(adapter.dispatch('join_texts')(texts, between)) }}
{%- endmacro %}

{% macro default__join_texts(texts, between) -%}
    array_join({{ texts }}, {{ between }})
{%- endmacro %}

{% macro duckdb__join_texts(texts, between) -%}
    array_to_string({{ texts }}, {{ between }})
{%- endmacro %}


{#
    Texts side by side with something between them; a null counts as nothing. Wherever a text may be longer than 1 MB:
    there Trino's `||` and concat_ws end the query.
#}
{% macro long_concat(texts, between="''") -%}
    {{ return(adapter.dispatch('long_concat')(texts, between)) }}
{%- endmacro %}

{% macro default__long_concat(texts, between) -%}
    array_join(array[{{ texts | join(', ') }}], {{ between }})
{%- endmacro %}

{% macro duckdb__long_concat(texts, between) -%}
    concat_ws({{ between }}, {{ texts | join(', ') }})
{%- endmacro %}


{# The texts of an array as lines, with a prefix before each line; null when there is none. #}
{% macro prefixed_lines(texts, prefix) -%}
    {{ return(adapter.dispatch('prefixed_lines')(texts, prefix)) }}
{%- endmacro %}

{% macro default__prefixed_lines(texts, prefix) -%}
    {#- Text by text: all of them may be longer than `||` can do, see long_concat. -#}
    {%- set line = long_concat(
        ["'" ~ prefix ~ "'", "replace(text, chr(10), chr(10) || '" ~ prefix ~ "')"]
    ) -%}
    case
        when nullif({{ join_texts(texts, 'chr(10)') }}, '') is not null
            then {{ join_texts('transform(' ~ texts ~ ', text -> ' ~ line ~ ')' if prefix else texts, 'chr(10)') }}
    end
{%- endmacro %}

{% macro duckdb__prefixed_lines(texts, prefix) -%}
    {%- set lines = 'nullif(' ~ join_texts(texts, 'chr(10)') ~ ", '')" -%}
    {%- if prefix -%}
        '{{ prefix }}' || replace({{ lines }}, chr(10), chr(10) || '{{ prefix }}')
    {%- else -%}
        {{ lines }}
    {%- endif -%}
{%- endmacro %}


{# The path of a page's URL: without scheme, host, query and fragment; '/' for a bare host. #}
{% macro url_path(url) -%}
    case
        when {{ url }} is null then null
        else coalesce(
            nullif(
                regexp_replace(
                    regexp_replace({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#][\s\S]*\z', ''
                ),
                ''
            ),
            '/'
        )
    end
{%- endmacro %}


{# Texts as SQL literals with commas between them. #}
{% macro sql_texts(texts) -%}
    {%- for text in texts -%}
        '{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
