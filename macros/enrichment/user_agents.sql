{#
    What a user agent says, by the rules of the seeds user_agent_bots, user_agent_browsers, user_agent_systems and
    user_agent_devices. Of each seed the first rule counts, by priority, whose pattern is found in the agent and whose
    `unless` is not.

    The rules become constants of one CASE per seed: a join with their tables would match every agent with every rule,
    and engines compile a constant pattern once.
#}

{# The text in which rules look: in lower case, and not longer than any browser's. #}
{% macro agent_to_match(user_agent) -%}
    lower(substr({{ user_agent }}, 1, 2000))
{%- endmacro %}

{# The rules of all four seeds, {what: [rule by column]}, each by priority. #}
{% macro user_agent_rules() -%}
    {{ return({
        'bots': rules_of_seed('user_agent_bots', ['pattern', 'unless', 'bot_name']),
        'browsers': rules_of_seed('user_agent_browsers', ['pattern', 'unless', 'browser']),
        'systems': rules_of_seed('user_agent_systems', ['pattern', 'unless', 'os', 'os_version_major']),
        'devices': rules_of_seed('user_agent_devices', ['pattern', 'unless', 'device_type']),
    }) }}
{%- endmacro %}

{# The priority of the rule that counts; null when none is found. #}
{% macro rule_of_agent(agent, rules) -%}
    {%- if not rules -%}
        cast(null as integer)
    {%- else -%}
    case
        {%- for rule in rules %}
        when {{ regexp_like(agent, rule.pattern) }}
            {%- if rule.unless %} and not {{ regexp_like(agent, rule.unless) }}{% endif %} then {{ rule.priority }}
        {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}

{# What the seed says in one of its columns for the rule that counts; null where the cell is empty. #}
{% macro value_of_rule(rule_column, rules, column) -%}
    {%- set named = rules | selectattr(column) | list -%}
    {%- if not named -%}
        cast(null as varchar)
    {%- else -%}
    case {{ rule_column }}
        {%- for rule in named %}
        when {{ rule.priority }} then {{ sql_texts([rule[column]]) }}
        {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}

{# What the group of the pattern of the rule that counts found; null where the pattern has none, or it found nothing. #}
{% macro found_by_rule(rule_column, agent, rules) -%}
    {%- set grouped = [] -%}
    {%- for rule in rules if modules.re.compile(rule.pattern).groups -%}
        {%- do grouped.append(rule) -%}
    {%- endfor -%}
    {%- if not grouped -%}
        cast(null as varchar)
    {%- else -%}
    case {{ rule_column }}
        {%- for rule in grouped %}
        when {{ rule.priority }} then {{ regexp_group(agent, rule.pattern, 1) }}
        {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}

{# A part of an agent as the agent writes it, out of what was found in lower case; null for blanks. #}
{% macro as_agent_writes_it(user_agent, agent, found) -%}
    {%- set written = 'substr(' ~ user_agent ~ ', strpos(' ~ agent ~ ', ' ~ found ~ '), length(' ~ found ~ '))' -%}
    nullif({{ trim_blanks(written) }}, '')
{%- endmacro %}
