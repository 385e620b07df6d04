with

rooms as (

    select
        space_id,
        room_id,
        max(room_name) as room_name,
        sum(views) as views,
        sum(case when spatial_exploration_level = 'high_exploration' then views else 0 end) as high_exploration_views
    from {{ ref('spatial_analytics') }}
    where {{ in_last_days('analysis_date', 30, ref('spatial_analytics')) }}
    group by space_id, room_id

),

final as (

    select
        space_id,
        room_id,
        room_name,
        views,
        {{ ratio('high_exploration_views', 'views') }} as high_exploration_share
    from rooms

)

select * from final
order by views desc, space_id asc, room_id asc
limit 20
