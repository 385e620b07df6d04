with

-- From sessions: user_journey_analysis has the rounded averages of single days.
sessions as (

    select * from {{ ref('fct_sessions') }}
    where
        not is_bot
        and {{ in_last_days('session_date', 7, ref('fct_sessions')) }}

),

journeys as (

    select
        journey_type,
        engagement_tier,
        count(*) as sessions,
        sum({{ microseconds_between('session_start_at', 'session_end_at') }}) as duration_microseconds,
        count(case when is_converted then 1 end) as converted_sessions
    from sessions
    group by journey_type, engagement_tier

),

final as (

    select
        journey_type,
        engagement_tier,
        sessions,
        {{ rounded_quotient('duration_microseconds', '60000000 * sessions', 2) }} as avg_duration,
        {{ ratio('converted_sessions', 'sessions') }} as conversion_rate
    from journeys

)

select * from final
order by sessions desc, journey_type asc, engagement_tier asc
