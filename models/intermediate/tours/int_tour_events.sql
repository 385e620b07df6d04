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
        event_id,
        event_date,
        event_date as analysis_date,
        visitor_id,
        session_id,
        event_action,
        space_id,
        space_name,
        space_type,
        room_id,
        room_name,
        coordinates.pitch as pitch,  -- noqa: RF01
        coordinates.yaw as yaw,  -- noqa: RF01
        coordinates.hfov as hfov,  -- noqa: RF01
        coalesce(
            {{ epoch_microseconds('next_event_timestamp') }} - {{ epoch_microseconds('event_timestamp') }}, 0
        ) as microseconds_to_next_event
    from ordered
    where
        space_id is not null
        or event_action = 'room_view'

)

select * from final
