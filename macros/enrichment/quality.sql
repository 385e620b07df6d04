{#
    How good an event is: the rules of the seed quality_rules, whose conditions are here, by the rule's name. A relation
    has the columns that they name.
#}
{% macro quality_conditions() -%}
    {{ return({
        'has_own_id': 'has_own_id',
        'has_own_time': "timestamp_source = 'event'",
        'time_is_plausible': 'event_timestamp <= ' ~ add_minutes('source_modified_at', var('quality_early_minutes')),
        'arrived_in_time': 'event_timestamp >= ' ~ subtract_minutes('source_modified_at', var('quality_late_hours') * 60),
        'has_user_agent': 'user_agent is not null',
        'has_source_session': 'source_session_id is not null',
        'has_page': 'page_url is not null',
        'has_space': 'space_id is not null',
        'has_coordinates': 'has_direction',
        'has_product': 'has_product_id',
        'has_price': 'line_count > 0 and priced_line_count = line_count',
        'has_quantity': 'line_count > 0 and counted_line_count = line_count',
    }) }}
{%- endmacro %}

{# The rules of the seed in its order: rule, condition, weight by event_action (none: all others), and when it applies. #}
{% macro quality_rules() -%}
    {%- set conditions = quality_conditions() -%}
    {%- set found = {} -%}
    {%- for row in rules_of_seed('quality_rules', ['rule', 'event_action', 'weight']) -%}
        {%- if row.rule not in conditions -%}
            {{ exceptions.raise_compiler_error(
                'seed quality_rules: ' ~ row.rule ~ ' has no condition: add it to quality_conditions in '
                ~ 'macros/enrichment/quality.sql'
            ) }}
        {%- endif -%}
        {%- do found.setdefault(row.rule, {'rule': row.rule, 'condition': conditions[row.rule], 'weights': {}}).weights.update({
            row.event_action: row.weight | int,
        }) -%}
    {%- endfor -%}
    {{ return(found.values() | list) }}
{%- endmacro %}

{# The weight that a rule has for an event: 0 where it does not apply. #}
{% macro quality_weight(rule) -%}
    {%- if rule.weights.keys() | list == [none] -%}
        {{ return(rule.weights[none] | string) }}
    {%- endif -%}
    {%- set cases = [] -%}
    {%- for action, weight in rule.weights.items() if action is not none -%}
        {%- do cases.append('when ' ~ sql_texts([action]) ~ ' then ' ~ weight) -%}
    {%- endfor -%}
    {{ return('case event_action ' ~ cases | join(' ') ~ ' else ' ~ rule.weights.get(none, 0) ~ ' end') }}
{%- endmacro %}

{# The weight of all rules that apply to an event, or of those that it passes. #}
{% macro quality_weights(rules, passed=false) -%}
    {%- set terms = ['0'] -%}
    {%- for rule in rules -%}
        {%- do terms.append(
            'case when ' ~ rule.condition ~ ' then ' ~ quality_weight(rule) ~ ' else 0 end' if passed else quality_weight(rule)
        ) -%}
    {%- endfor -%}
    {{ terms | join('\n        + ') }}
{%- endmacro %}

{# The names of the rules that apply and fail, in the seed's order, with commas between; empty text for none. #}
{% macro failed_quality_rules(rules) -%}
    {%- set parts = [] -%}
    {%- for rule in rules -%}
        {%- do parts.append(
            'case when ' ~ quality_weight(rule) ~ ' > 0 and not coalesce(' ~ rule.condition ~ ", false) then '," ~ rule.rule
            ~ "' else '' end"
        ) -%}
    {%- endfor -%}
    {{ return("substr(concat('', " ~ parts | join(',\n        ') ~ '), 2)' if parts else "''") }}
{%- endmacro %}
