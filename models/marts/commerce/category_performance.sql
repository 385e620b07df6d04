{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where category is not null

),

final as (

    select
        event_date,
        category,
        count(*) as event_count
    from events
    group by event_date, category

)

select * from final
