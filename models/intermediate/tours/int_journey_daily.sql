{{
    config(
        partitioned_by=['month(session_date)'],
        meta={'rebuild_by': 'session_date'},
    )
}}

with

sessions as (

    select * from {{ ref('fct_sessions') }}
    where not is_bot

),

final as (

    select
        session_date,
        session_date as analysis_date,
        journey_type,
        engagement_tier,
        count(*) as sessions,
        count(case when is_converted then 1 end) as converted_sessions,
        cast(sum(
            {{ microseconds_between('session_start_at', 'session_end_at') }}
        ) as bigint) as duration_microseconds
    from sessions
    group by session_date, journey_type, engagement_tier

)

select * from final
