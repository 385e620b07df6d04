{#
    What kind of session it is; the thresholds are variables in dbt_project.yml. A relation has the counts of int_sessions:
    event_count, microseconds from the first to the last event, the gaps between its events.
#}

{# The first reason to take the session for a program's; null for people. #}
{% macro bot_reason() -%}
    case
        when has_bot_agent then 'user_agent'
        when
            event_count >= {{ var('bot_rate_min_events') }}
            and event_count * 1000000
            > {{ var('bot_rate_events_per_second') }} * case when microseconds = 0 then 1000000 else microseconds end
            then 'event_rate'
        when
            event_count > {{ var('bot_pace_min_gaps') }}
            and least_gap_microseconds > 0
            and greatest_gap_microseconds - least_gap_microseconds <= {{ var('bot_pace_milliseconds') }} * 1000
            then 'regular_pace'
        when
            microseconds > cast({{ var('bot_endless_hours') }} as bigint) * 3600000000
            and event_count > {{ var('bot_endless_min_events') }}
            then 'endless'
    end
{%- endmacro %}

{# GA4's engaged session: some time, a conversion or several views. #}
{% macro is_engaged(sessions) -%}
    (
        {{ sessions }}.microseconds >= {{ var('engaged_min_seconds') }} * 1000000
        or {{ sessions }}.conversion_count > 0
        or {{ sessions }}.page_view_count >= {{ var('engaged_min_views') }}
    )
{%- endmacro %}

{# How deep a session goes. #}
{% macro engagement_tier(sessions) -%}
    case
        when {{ sessions }}.event_count = 1 then 'bounce'
        when
            {{ sessions }}.event_count >= {{ var('high_engagement_min_events') }}
            or {{ sessions }}.microseconds >= {{ var('high_engagement_min_seconds') }} * 1000000
            then 'high'
        when
            {{ sessions }}.event_count >= {{ var('medium_engagement_min_events') }}
            or {{ sessions }}.microseconds >= {{ var('medium_engagement_min_seconds') }} * 1000000
            then 'medium'
        else 'low'
    end
{%- endmacro %}

{# What a session is about. #}
{% macro journey_type(sessions) -%}
    case
        when {{ sessions }}.has_space and {{ sessions }}.has_product then 'tour_and_shop'
        when {{ sessions }}.has_space then 'tour'
        when {{ sessions }}.has_product then 'shop'
        else 'browse'
    end
{%- endmacro %}
