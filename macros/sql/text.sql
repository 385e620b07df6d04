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


{# The path of a page's URL: without scheme, host, query and fragment; '/' for a bare host. #}
{% macro url_path(url) -%}
    case
        when {{ url }} is null then null
        else coalesce(
            nullif(
                regexp_replace(
                    regexp_replace({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#].*\z', ''
                ),
                ''
            ),
            '/'
        )
    end
{%- endmacro %}
