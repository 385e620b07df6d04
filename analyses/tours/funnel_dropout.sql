with

steps as (

    select
        funnel_name,
        step_number,
        step_name,
        sum(sessions) as sessions
    from {{ ref('session_funnel') }}
    where {{ in_last_days('event_date', 30, ref('session_funnel')) }}
    group by funnel_name, step_number, step_name

),

compared as (

    select
        *,
        lag(sessions) over (partition by funnel_name order by step_number) as previous_sessions,
        first_value(sessions) over (partition by funnel_name order by step_number) as first_sessions
    from steps

),

final as (

    select
        funnel_name,
        step_number,
        step_name,
        sessions,
        previous_sessions - sessions as lost_sessions,
        {{ ratio('sessions', 'previous_sessions') }} as conversion_from_previous,
        {{ ratio('sessions', 'first_sessions') }} as conversion_from_start
    from compared

)

select * from final
order by funnel_name, step_number
