{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where not is_bot

),

final as (

    select distinct
        event_date,
        visitor_id,
        user_id
    from events

)

select * from final
