{# Averages that do not depend on the order in which an engine adds. #}

{#
    The average of doubles. A sum of doubles depends on the order of its terms; one of whole trillionths, as decimals, does
    not. For angles and the like: what is not below a billion is left out.
#}
{% macro average_of_doubles(value) -%}
    {%- set whole = 'cast(floor(' ~ value ~ ' * 1e12 + 0.5e0) as decimal(38, 0))' -%}
    {%- set trillionths = 'case when abs(' ~ value ~ ') < 1e9 then ' ~ whole ~ ' end' -%}
    cast(sum({{ trillionths }}) as double) / 1e12 / count({{ trillionths }})
{%- endmacro %}
