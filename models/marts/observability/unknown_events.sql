{{ config(meta={'rebuild_by': 'everything'}) }}

with

daily as (

    select * from {{ ref('int_unknown_events') }}

),

final as (

    select
        event_type,
        event_name,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(event_count) as bigint) as event_count
    from daily
    group by event_type, event_name

)

select * from final
