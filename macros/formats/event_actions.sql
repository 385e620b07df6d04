{#
    What an event is about (event_action), out of its type and name, by the seed event_actions.
#}

{# A type or name as it is compared: in lower case, letters and digits only. #}
{% macro event_spelling(text) -%}
    {{ regexp_replace_all('lower(' ~ text ~ ')', '[^\\p{L}\\p{N}]+', '') }}
{%- endmacro %}

{#
    The joins that find an event's rows in the seed: `events` is the relation with event_type and event_name, `spellings` the
    seed with event_spelling of both. See event_action.
#}
{% macro join_event_actions(events, spellings) -%}
    {%- set type = event_spelling(events ~ '.event_type') -%}
    {%- set name = event_spelling(events ~ '.event_name') -%}
    left join {{ spellings }} as by_both
        on by_both.event_type = {{ type }} and by_both.event_name = {{ name }}
    left join {{ spellings }} as by_name
        on by_name.event_type is null and by_name.event_name = coalesce({{ name }}, {{ type }})
    left join {{ spellings }} as by_type
        on by_type.event_name is null and by_type.event_type = {{ type }}
{%- endmacro %}

{#
    The action of an event that was joined by join_event_actions. A row with type and name beats one with only the name,
    that beats one with only the type; an event without a name is looked up by its type first, then with it as name. A
    view that happens in a space or room is a view of that.
#}
{% macro event_action(events) -%}
    {%- set action -%}
        coalesce(
            by_both.event_action,
            case when {{ events }}.event_name is null then by_type.event_action end,
            by_name.event_action,
            by_type.event_action
        )
    {%- endset -%}
    case
        when {{ is_page_view(action) }} and {{ events }}.room_id is not null
            then 'room_view'
        when {{ action }} = 'page_view' and {{ events }}.space_id is not null then 'space_view'
        else {{ action }}
    end
{%- endmacro %}

{# Whether an action is the view of a page, a screen or a space: what counts as a page view everywhere. #}
{% macro is_page_view(action='event_action') -%}
    {{ return(action ~ " in ('page_view', 'screen_view', 'space_view')") }}
{%- endmacro %}
