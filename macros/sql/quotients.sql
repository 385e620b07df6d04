{# Division, the same on every engine. #}

{# A ratio of counts, decimal(18,4), halves rounded up; null where the denominator is 0. #}
{% macro ratio(numerator, denominator) -%}
    {{ quotient(numerator, denominator, 4) }}
{%- endmacro %}

{# Whole numbers from 0 on divided, decimal(18,digits), halves rounded up; null where the denominator is 0. #}
{% macro quotient(numerator, denominator, digits) -%}
    {{ return(adapter.dispatch('quotient')(numerator, denominator, digits)) }}
{%- endmacro %}

{% macro default__quotient(numerator, denominator, digits) -%}
    {#- Division of whole numbers cuts; division of decimals would keep no more digits than its operands have. -#}
    case
        when {{ denominator }} > 0
            then cast(
                cast((2 * {{ numerator }} * {{ 10 ** digits }} + {{ denominator }}) / (2 * {{ denominator }}) as decimal(22, {{ digits }}))
                / {{ 10 ** digits }} as decimal(18, {{ digits }})
            )
    end
{%- endmacro %}

{% macro duckdb__quotient(numerator, denominator, digits) -%}
    {#- In whole numbers: decimal division differs between the engines. -#}
    case
        when {{ denominator }} > 0
            then cast(
                ((2 * cast({{ numerator }} as hugeint) * {{ 10 ** digits }} + {{ denominator }}) // (2 * {{ denominator }}))
                / {{ 10 ** digits }} as decimal(18, {{ digits }})
            )
    end
{%- endmacro %}


{#
    A quotient of exact numbers (whole or decimal), rounded once, halves away from zero: decimal(18, digits), null where the
    denominator is 0 or it does not fit. Of decimals the numerator has two more than `digits` at most, the denominator two.
#}
{% macro rounded_quotient(numerator, denominator, digits=4) -%}
    {{ return(adapter.dispatch('rounded_quotient')(numerator, denominator, digits)) }}
{%- endmacro %}

{% macro default__rounded_quotient(numerator, denominator, digits) -%}
    {#- A quotient of decimals has as many digits as its operands and is rounded so. -#}
    case
        when {{ denominator }} <> 0
            then try_cast(
                cast(100 * cast({{ numerator }} as decimal(38, {{ digits + 2 }})) as decimal(38, {{ digits }}))
                / cast(100 * cast({{ denominator }} as decimal(38, 2)) as decimal(38, 0))
                as decimal(18, {{ digits }})
            )
    end
{%- endmacro %}

{% macro duckdb__rounded_quotient(numerator, denominator, digits) -%}
    {#- In whole numbers: a quotient of decimals is a double. -#}
    {%- set part = 'cast(' ~ 10 ** (digits + 2) ~ ' * cast(' ~ numerator ~ ' as decimal(38, ' ~ (digits + 2) ~ ')) as hugeint)' -%}
    {%- set whole = 'cast(100 * cast(' ~ denominator ~ ' as decimal(38, 2)) as hugeint)' -%}
    case
        when {{ denominator }} <> 0
            then try_cast(
                cast(
                    sign({{ part }}) * sign({{ whole }})
                    * ((2 * abs({{ part }}) + abs({{ whole }})) // (2 * abs({{ whole }}))) as decimal(38, 0)
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
