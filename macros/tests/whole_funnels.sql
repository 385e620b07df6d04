{# The steps of each funnel are numbered from 1 on without a gap, and agree on its window. #}
{% test whole_funnels(model) %}
    select funnel_name
    from {{ model }}
    group by funnel_name
    having
        min(step_number) <> 1
        or max(step_number) <> count(*)
        or min(window_minutes) <> max(window_minutes)
{% endtest %}
