{#
    Numbers out of text without blanks around it, the same on every engine: null where the text is no number or does not
    fit.
#}

{% macro number_pattern() -%}
    ^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$
{%- endmacro %}

{# decimal(18,2), halves rounded away from zero. #}
{% macro to_money(text) -%}
    case
        when {{ regexp_like(text, number_pattern()) }}
            then try_cast({{ text }} as decimal(18, 2))
    end
{%- endmacro %}

{# bigint; null for a fraction. #}
{% macro to_whole_number(text) -%}
    case
        {#- Most, by themselves: DuckDB takes 20 µs to read a decimal(38, 6). #}
        when {{ regexp_like(text, '^[0-9]{1,15}$') }} then try_cast({{ text }} as bigint)
        when
            {{ regexp_like(text, number_pattern()) }}
            and try_cast({{ text }} as decimal(38, 6)) = floor(try_cast({{ text }} as decimal(38, 6)))
            then try_cast(try_cast({{ text }} as decimal(38, 6)) as bigint)
    end
{%- endmacro %}

{# double; null for infinity and NaN. #}
{% macro to_double(text) -%}
    case
        when {{ regexp_like(text, number_pattern()) }}
            then try_cast({{ text }} as double)
    end
{%- endmacro %}

{#
    The sum of amounts, decimal(18,2), 0 for none. A sum that does not fit is the greatest amount that does: two records of
    absurd prices may not end a build.
#}
{% macro sum_of_money(amount) -%}
    cast(
        least(greatest(coalesce(sum({{ amount }}), 0), -9999999999999999.99), 9999999999999999.99) as decimal(18, 2)
    )
{%- endmacro %}

{# The sum of whole numbers, bigint, by the same rules. #}
{% macro sum_of_whole_numbers(number) -%}
    cast(
        least(
            greatest(coalesce(sum(cast({{ number }} as decimal(38, 0))), 0), -9223372036854775807), 9223372036854775807
        ) as bigint
    )
{%- endmacro %}


{# A whole number from 0 to 255 as two hex digits. #}
{% macro hex_of_byte(number) -%}
    {{ return(adapter.dispatch('hex_of_byte')(number)) }}
{%- endmacro %}

{% macro default__hex_of_byte(number) -%}
    lpad(to_base({{ number }}, 16), 2, '0')
{%- endmacro %}

{% macro duckdb__hex_of_byte(number) -%}
    printf('%02x', {{ number }})
{%- endmacro %}
