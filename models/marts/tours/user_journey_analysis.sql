{{
    config(
        partitioned_by=['month(analysis_date)'],
        meta={'rebuild_by': 'analysis_date'},
    )
}}

with

journeys as (

    select * from {{ ref('int_journey_daily') }}

),

final as (

    select
        analysis_date,
        journey_type,
        engagement_tier,
        sessions,
        {{ quotient('duration_microseconds', 'sessions * 60000000', 2) }} as session_duration_minutes,
        {{ ratio('converted_sessions', 'sessions') }} as conversion_rate
    from journeys

)

select * from final
