{#
    The goal that an event reaches: the first of the seed conversion_goals whose conditions hold. The relation has
    event_action, event_name, page_path and revenue.
#}

{# The name of the goal; null when it reaches none. #}
{% macro conversion_goal() -%}
    {%- set cases = [] -%}
    {%- for goal in conversion_goals() -%}
        {%- do cases.append((goal.conditions, sql_texts([goal.conversion_goal]))) -%}
    {%- endfor -%}
    {{ first_that_holds(cases, 'varchar') }}
{%- endmacro %}

{# What reaching it is worth: the goal's value, else the event's revenue. #}
{% macro conversion_value() -%}
    {%- set cases = [] -%}
    {%- for goal in conversion_goals() -%}
        {%- do cases.append((goal.conditions, goal.conversion_value or 'revenue')) -%}
    {%- endfor -%}
    {{ first_that_holds(cases, 'decimal(18, 2)') }}
{%- endmacro %}

{# The goals by priority, with their conditions. #}
{% macro conversion_goals() -%}
    {%- set goals = [] -%}
    {%- for goal in rules_of_seed(
        'conversion_goals', ['conversion_goal', 'event_action', 'event_name', 'page_path_prefix', 'conversion_value']
    ) -%}
        {%- set conditions = [] -%}
        {%- if goal.event_action -%}
            {%- do conditions.append('event_action = ' ~ sql_texts([goal.event_action])) -%}
        {%- endif -%}
        {%- if goal.event_name -%}
            {%- do conditions.append(event_spelling('event_name') ~ ' = ' ~ event_spelling(sql_texts([goal.event_name]))) -%}
        {%- endif -%}
        {%- if goal.page_path_prefix -%}
            {%- do conditions.append('starts_with(page_path, ' ~ sql_texts([goal.page_path_prefix]) ~ ')') -%}
        {%- endif -%}
        {%- do goals.append(dict(goal, conditions=conditions)) -%}
    {%- endfor -%}
    {{ return(goals) }}
{%- endmacro %}
