with

hours as (

    select
        event_date,
        {{ sum_of_money('total_revenue') }} as hourly_revenue
    from {{ ref('hourly_revenue') }}
    group by event_date

),

events as (

    select
        event_date,
        {{ sum_of_money('revenue') }} as event_revenue
    from {{ ref('fct_web_events') }}
    where not is_bot
    group by event_date

),

final as (

    select
        events.event_date,
        coalesce(hours.hourly_revenue, 0) as hourly_revenue,
        events.event_revenue,
        coalesce(hours.hourly_revenue, 0) - events.event_revenue as difference
    from events
    left join hours
        on events.event_date = hours.event_date

)

select * from final
order by event_date
