{# Kinesis envelopes around a record, and what may be wrong with their contents. #}

{# The base64 text that a record is which is no JSON object: also as a JSON string, with line breaks as it escapes them. #}
{% macro bare_envelope(payload) -%}
    {{ trim_blanks("replace(replace(replace(" ~ payload ~ ", '\"', ''), '\\r', ''), '\\n', '')") }}
{%- endmacro %}

{# The base64 text in an envelope that is a JSON object. #}
{% macro envelope_in(record) -%}
    coalesce({{ json_text(record, 'data') }}, {{ json_text(record, 'kinesis.data') }})
{%- endmacro %}

{#
    Why an envelope holds no JSON object, as far as it can be told: several events, or an array with one, inside; bytes of
    a compressed or binary format (by their first bytes: gzip, zlib, zstd, bzip2, xz, LZ4, Snappy, ZIP, Kinesis Producer
    Library). No engine can unpack these in SQL but DuckDB, so none does. Else null.
#}
{% macro envelope_problem(data, text) -%}
    case
        when {{ regexp_like(text, '^[ \\t\\r\\n]*\\[[ \\t\\r\\n]*\\{') }}
            and {{ canonical_json_object(long_concat(["'{\"x\":'", text, "'}'"])) }} is not null
            then 'several_events_in_envelope'
        when {{ regexp_like(text, '^[ \\t\\r\\n]*\\{') }}
            and {{ canonical_json_object(long_concat(
                ["'{\"x\":['", regexp_replace_all(text, '\\}[ \\t\\r\\n]*\\{', '},{'), "']}'"]
            )) }} is not null
            then 'several_events_in_envelope'
        when {{ regexp_like(data, '^(H4sI|eAE|eF4|eJw|eNo|KLUv/|QlpoO|/Td6WFo|BCJNG|/wYAAHNOYVB|UEsDB|84mawg)') }}
            then 'unsupported_envelope'
    end
{%- endmacro %}
