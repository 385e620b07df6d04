{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

purchases as (

    select * from {{ ref('fct_web_events') }}
    where
        event_action = 'purchase'
        and not is_bot
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

final as (

    select
        event_id,
        visitor_id,
        event_date,
        event_timestamp,
        session_id,
        revenue
    from purchases

)

select * from final
