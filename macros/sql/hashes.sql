{#
    HMAC-SHA256 of a text by the masking key (macros/masking), its first 32 hex digits. Python:
    hmac.new(key.encode(), text.encode(), 'sha256').hexdigest()[:32]
#}
{% macro keyed_hash(text) -%}
    {{ return(adapter.dispatch('keyed_hash')(text)) }}
{%- endmacro %}

{% macro default__keyed_hash(text) -%}
    substr(lower(to_hex(hmac_sha256(to_utf8({{ text }}), to_utf8({{ masking_key_in_sql() }})))), 1, 32)
{%- endmacro %}

{# DuckDB has no HMAC: RFC 2104's two hashes. What depends on the key alone is computed once. #}
{% macro duckdb__keyed_hash(text) -%}
    left(sha256({{ padded_key('5c') }} || unhex(sha256({{ padded_key('36') }} || encode({{ text }})))), 32)
{%- endmacro %}

{# The key, of 64 bytes at most, xor a byte repeated 64 times. #}
{% macro padded_key(byte) -%}
    {%- set key = "encode(rpad(" ~ masking_key_in_sql() ~ ", 64, chr(0)))" -%}
    cast(xor(cast({{ key }} as bit), cast(unhex(repeat('{{ byte }}', 64)) as bit)) as blob)
{%- endmacro %}
