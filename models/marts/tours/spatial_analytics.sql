{{
    config(
        partitioned_by=['month(analysis_date)'],
        meta={'rebuild_by': 'analysis_date'},
    )
}}

with

room_views as (

    select * from {{ ref('int_tour_events') }}
    where event_action = 'room_view'

),

-- A missing pitch or yaw counts as 0 beside another angle.
levelled as (

    select
        *,
        coalesce(space_id, '(unknown)') as known_space_id,
        coalesce(room_id, '(unknown)') as known_room_id,
        case
            when pitch is null and yaw is null and hfov is null then 'no_3d_data'
            when
                abs(pitch) > {{ var('high_exploration_pitch') }}
                or abs(yaw) > {{ var('high_exploration_yaw') }}
                then 'high_exploration'
            when
                abs(pitch) > {{ var('medium_exploration_pitch') }}
                or abs(yaw) > {{ var('medium_exploration_yaw') }}
                then 'medium_exploration'
            else 'low_exploration'
        end as spatial_exploration_level
    from room_views

),

final as (

    select
        analysis_date,
        known_space_id as space_id,
        known_room_id as room_id,
        spatial_exploration_level,
        max(room_name) as room_name,
        count(*) as views,
        count(distinct session_id) as sessions,
        {{ average_of_doubles('pitch') }} as avg_pitch,
        {{ average_of_doubles('yaw') }} as avg_yaw,
        {{ average_of_doubles('hfov') }} as avg_hfov
    from levelled
    group by analysis_date, known_space_id, known_room_id, spatial_exploration_level

)

select * from final
