{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        space_id is not null
        or event_action = 'room_view'

),

final as (

    select
        event_date,
        coalesce(space_id, '(unknown)') as space_id,
        max(space_name) as space_name,
        max(space_type) as space_type,
        max(community) as community,
        max(building) as building,
        max(floorplan) as floorplan,
        min(event_timestamp) as first_seen_at,
        max(event_timestamp) as last_seen_at
    from events
    group by event_date, coalesce(space_id, '(unknown)')

)

select * from final
