{{
    config(
        partitioned_by=['month(analysis_date)'],
        meta={'rebuild_by': 'analysis_date'},
    )
}}

with

events as (

    select * from {{ ref('int_tour_events') }}
    where space_id is not null

),

counted as (

    select
        analysis_date,
        space_id,
        max(space_name) as space_name,
        max(space_type) as space_type,
        count(distinct session_id) as unique_sessions,
        count(distinct visitor_id) as unique_visitors,
        count(case when event_action = 'space_view' then 1 end) as views,
        count(case when event_action = 'room_view' then 1 end) as room_views,
        count(*) as interactions,
        cast(sum(microseconds_to_next_event) as bigint) as microseconds_on_space
    from events
    group by analysis_date, space_id

),

final as (

    select
        analysis_date,
        space_id,
        space_name,
        space_type,
        unique_sessions,
        unique_visitors,
        views,
        room_views,
        interactions,
        {{ ratio('views', 'unique_sessions') }} as views_per_session,
        {{ quotient('microseconds_on_space', 'unique_sessions * 1000000', 2) }} as avg_time_on_space
    from counted

)

select * from final
