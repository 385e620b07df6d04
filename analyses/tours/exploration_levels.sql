with

levels as (

    select
        spatial_exploration_level,
        sum(views) as views
    from {{ ref('spatial_analytics') }}
    where {{ in_last_days('analysis_date', 30, ref('spatial_analytics')) }}
    group by spatial_exploration_level

),

final as (

    select
        spatial_exploration_level,
        views,
        {{ ratio('views', 'sum(views) over ()') }} as view_share
    from levels

)

select * from final
order by views desc, spatial_exploration_level asc
