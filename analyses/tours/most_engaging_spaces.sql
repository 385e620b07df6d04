with

spaces as (

    select * from {{ ref('daily_space_engagement') }}
    where {{ in_last_days('analysis_date', 1, ref('daily_space_engagement')) }}

),

final as (

    select
        space_name,
        space_type,
        unique_sessions,
        avg_time_on_space,
        views_per_session
    from spaces

)

select * from final
order by avg_time_on_space desc, unique_sessions desc, space_name asc, space_type asc, views_per_session desc
limit 10
