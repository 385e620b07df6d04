{# Small text functions that the engines name differently. #}

{# Whether a regular expression matches anywhere in a text. #}
{% macro regexp_like(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_like')(text, pattern)) }}
{%- endmacro %}

{% macro default__regexp_like(text, pattern) -%}
    regexp_like({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro duckdb__regexp_like(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}


{# The path of a page's URL: without scheme, host, query and fragment; '/' for a bare host. #}
{% macro url_path(url) -%}
    case
        when {{ url }} is null then null
        else coalesce(
            nullif(
                regexp_replace(
                    regexp_replace({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#].*$', ''
                ),
                ''
            ),
            '/'
        )
    end
{%- endmacro %}
