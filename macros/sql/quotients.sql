{# Division, the same on every engine. #}

{#
    A quotient of exact numbers (whole or decimal), rounded once, halves away from zero: decimal(18, digits), null where the
    denominator is 0. The denominator has two decimals at most.
#}
{% macro rounded_quotient(numerator, denominator, digits=4) -%}
    {{ return(adapter.dispatch('rounded_quotient')(numerator, denominator, digits)) }}
{%- endmacro %}

{% macro default__rounded_quotient(numerator, denominator, digits) -%}
    {#- A quotient of decimals has as many digits as its operands and is rounded so. #}
    case
        when {{ denominator }} <> 0
            then cast(
                cast(100 * ({{ numerator }}) as decimal(38, {{ digits }})) / cast(100 * ({{ denominator }}) as decimal(38, 0))
                as decimal(18, {{ digits }})
            )
    end
{%- endmacro %}

{% macro duckdb__rounded_quotient(numerator, denominator, digits) -%}
    {#- In whole numbers: a quotient of decimals is a double. -#}
    {%- set whole = 'cast(' ~ 10 ** (digits + 2) ~ ' * (' ~ numerator ~ ') as hugeint)' -%}
    {%- set by = 'cast(100 * (' ~ denominator ~ ') as hugeint)' %}
    case
        when {{ denominator }} <> 0
            then cast(
                cast(
                    sign({{ whole }}) * sign({{ by }})
                    * ((2 * abs({{ whole }}) + abs({{ by }})) // (2 * abs({{ by }}))) as decimal(18, 0)
                ) * cast(0.{{ '0' * (digits - 1) }}1 as decimal({{ digits }}, {{ digits }}))
                as decimal(18, {{ digits }})
            )
    end
{%- endmacro %}


{# A quotient of whole numbers that are not negative, cut to a whole number. #}
{% macro whole_quotient(numerator, denominator) -%}
    {{ return(adapter.dispatch('whole_quotient')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__whole_quotient(numerator, denominator) -%}
    (({{ numerator }}) / ({{ denominator }}))
{%- endmacro %}

{% macro duckdb__whole_quotient(numerator, denominator) -%}
    (({{ numerator }}) // ({{ denominator }}))
{%- endmacro %}
