{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

purchases as (

    select * from {{ ref('fct_web_events') }}
    where
        event_action = 'purchase'
        and not is_bot

),

final as (

    select
        event_date,
        cast(extract(hour from event_timestamp) as integer) as event_hour,
        {{ sum_of_money('revenue') }} as total_revenue,
        count(*) as transaction_count
    from purchases
    group by event_date, cast(extract(hour from event_timestamp) as integer)

)

select * from final
