{#
    How far events get through the funnels of the seed funnel_steps. A chain is events e1 < e2 < … < ek, in the order
    of (event_timestamp, event_id), with the actions of the steps 1 to k; the last lies within the window after the first.
    Any event of step 1 may begin one.
#}

{# The number of steps of the longest funnel, two at least. #}
{% macro last_funnel_step() -%}
    {%- set numbers = [2] -%}
    {%- for row in seed_rows('funnel_steps', ['step_number']) -%}
        {%- do numbers.append(row[0] | int) -%}
    {%- endfor -%}
    {{ return(numbers | max) }}
{%- endmacro %}

{#
    A query of all beginnings of chains: one row per funnel and event at its step 1, with the columns `kept` of the event,
    funnel_name, and steps_reached: the number of steps of the longest chain that it begins.

    The steps are gone through from the last to the first. Each event learns when a chain that goes on with it is at each
    later step (step_2_at, …) at the earliest: the earliest that the events of the next step after it say.

    `steps` are rows of the seed; `within` is the column of those whose events make chains: a session or a visitor.
#}
{% macro funnel_beginnings(events, steps, within, kept, window_minutes='window_minutes') -%}
    {%- set last = last_funnel_step() -%}
    {#-
        From the last event to the first: Trino goes on with a frame that begins where the one before began, and reads
        any other anew. An event that is two steps of a funnel is two rows, the earlier step first, so that it does not
        follow itself.
    -#}
    {%- set after_it -%}
        over (
            partition by {{ within }}, funnel_name
            order by event_timestamp desc, event_id desc, step_number asc
            rows between unbounded preceding and 1 preceding
        )
    {%- endset -%}
    {%- set columns = (['event_id', 'event_timestamp', within] + kept) | unique | list -%}
    with

    from_step_{{ last }} as (

        select
            {{ events }}.{{ columns | join(', ' ~ events ~ '.') }},
            funnel_steps.funnel_name,
            funnel_steps.window_minutes,
            funnel_steps.step_number,
            case when funnel_steps.step_number = {{ last }} then event_timestamp end as step_{{ last }}_at
        from {{ events }}
        inner join {{ steps }} as funnel_steps
            on {{ events }}.event_action = funnel_steps.event_action

    )
    {%- for step in range(last - 1, 0, -1) %},

    from_step_{{ step }} as (

        select
            {{ columns | join(', ') }},
            funnel_name,
            window_minutes,
            step_number,
            {%- for later in range(step + 1, last + 1) %}
            case when step_number = {{ step }} then min(step_{{ later }}_at) {{ after_it }} end as step_{{ later }}_at,
            {%- endfor %}
            case when step_number = {{ step }} then event_timestamp end as step_{{ step }}_at
        from from_step_{{ step + 1 }}

    )
    {%- endfor %}

    select
        {{ kept | join(', ') }},
        funnel_name,
        case
            {%- for step in range(last, 1, -1) %}
            when step_{{ step }}_at <= {{ add_minutes('event_timestamp', window_minutes) }} then {{ step }}
            {%- endfor %}
            else 1
        end as steps_reached
    from from_step_1
    where step_number = 1
{%- endmacro %}


{# The window of visitor_funnel in minutes. A chain may go on in the month after its beginning, no further. #}
{% macro visitor_funnel_minutes() -%}
    {%- if var('visitor_funnel_window_hours') > 28 * 24 -%}
        {{ exceptions.raise_compiler_error('The variable visitor_funnel_window_hours is 672, four weeks, at most') }}
    {%- endif -%}
    {{ return(var('visitor_funnel_window_hours') * 60) }}
{%- endmacro %}
