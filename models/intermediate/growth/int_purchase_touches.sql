{{
    config(
        unique_key=['visitor_id', 'conversion_date', 'event_id', 'session_id'],
        partitioned_by=['month(conversion_date)'],
        meta={'rebuild_by': 'visitor_id'},
    )
}}

with

purchases as (

    select * from {{ ref('int_purchases') }}
    where {{ touched() }}

),

sessions as (

    select * from {{ ref('fct_sessions') }}
    where
        not is_bot
        and {{ touched() }}

),

touches as (

    select
        purchases.visitor_id,
        purchases.event_date as conversion_date,
        purchases.event_id,
        purchases.revenue,
        sessions.session_id,
        sessions.session_start_at,
        sessions.channel
    from purchases
    inner join sessions
        on
            purchases.visitor_id = sessions.visitor_id
            and purchases.event_timestamp >= sessions.session_start_at
            and (
                {{ subtract_minutes('purchases.event_timestamp', var('attribution_days') * 24 * 60) }}
                <= sessions.session_start_at
                or purchases.session_id = sessions.session_id
            )

),

final as (

    select
        visitor_id,
        conversion_date,
        event_id,
        revenue,
        session_id,
        channel,
        row_number() over (
            partition by visitor_id, conversion_date, event_id
            order by session_start_at
        ) as touch_number,
        count(*) over (partition by visitor_id, conversion_date, event_id) as touch_count
    from touches

)

select * from final
