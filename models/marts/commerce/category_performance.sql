{{
    config(
        partitioned_by=['event_date'],
        meta={'replaces': 'event_dates'},
    )
}}

{%- set new = new_batches() %}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        category is not null
        and {{ in_event_dates(new) }}

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
