{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

-- The next event of the session, also one outside of tours.
ordered as (

    select
        *,
        lead(event_timestamp) over (
            partition by session_id
            order by event_timestamp, event_id
        ) as next_event_timestamp
    from events

),

final as (

    select
        ordered.event_id,
        ordered.event_date,
        ordered.event_date as analysis_date,
        ordered.visitor_id,
        ordered.session_id,
        ordered.event_action,
        ordered.space_id,
        ordered.space_name,
        ordered.space_type,
        ordered.room_id,
        ordered.room_name,
        ordered.coordinates.pitch as pitch,  -- noqa: AL09
        ordered.coordinates.yaw as yaw,  -- noqa: AL09
        ordered.coordinates.hfov as hfov,  -- noqa: AL09
        coalesce(
            {{ microseconds_between('ordered.event_timestamp', 'ordered.next_event_timestamp') }}, 0
        ) as microseconds_to_next_event
    from ordered
    where
        ordered.space_id is not null
        or ordered.event_action = 'room_view'

)

select * from final
