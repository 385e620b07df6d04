with

final as (

    select
        event_date,
        sessions,
        visitors,
        page_views,
        purchases,
        event_revenue,
        orders,
        transaction_revenue,
        conversion_rate,
        average_score,
        rejected_share,
        bot_share
    from {{ ref('daily_kpis') }}
    where {{ in_last_days('event_date', 30, ref('daily_kpis')) }}

)

select * from final
order by event_date
