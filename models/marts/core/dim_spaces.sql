{{
    config(
        unique_key='space_id',
        meta={'rebuild_by': 'space_id'},
    )
}}

with

days as (

    select * from {{ ref('int_space_days') }}
    where {{ touched() }}

),

-- Of what only some days know, what the last of them does.
final as (

    select
        space_id,
        max_by(space_name, case when space_name is not null then event_date end) as space_name,
        max_by(space_type, case when space_type is not null then event_date end) as space_type,
        max_by(community, case when community is not null then event_date end) as community,
        max_by(building, case when building is not null then event_date end) as building,
        max_by(floorplan, case when floorplan is not null then event_date end) as floorplan,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from days
    group by space_id

)

select * from final
