{# Each spelling of a seed's events stands in it once, and says something. #}
{% test unique_event_spelling(model) %}
    select
        {{ event_spelling('event_type') }} as type_spelling,
        {{ event_spelling('event_name') }} as name_spelling
    from {{ model }}
    group by {{ event_spelling('event_type') }}, {{ event_spelling('event_name') }}
    having
        count(*) > 1
        or coalesce({{ event_spelling('event_type') }}, {{ event_spelling('event_name') }}, '') = ''
{% endtest %}
