-- Without partitions: few rows a day, which the mart reads as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        event_action is null
        and not is_bot
        and {{ touched() }}

),

final as (

    select
        event_date,
        event_type,
        event_name,
        min(event_timestamp) as first_seen_at,
        max(event_timestamp) as last_seen_at,
        count(*) as event_count
    from events
    group by event_date, event_type, event_name

)

select * from final
