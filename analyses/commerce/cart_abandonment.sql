with

days as (

    select
        event_date,
        sum(case when step_name = 'add_to_cart' then sessions else 0 end) as cart_sessions,
        sum(case when step_name = 'purchase' then sessions else 0 end) as purchase_sessions
    from {{ ref('session_funnel') }}
    where
        funnel_name = 'shop_short'
        and {{ in_last_days('event_date', 30, ref('session_funnel')) }}
    group by event_date

),

final as (

    select
        event_date,
        cart_sessions,
        cart_sessions - purchase_sessions as abandoned_sessions,
        {{ ratio('(cart_sessions - purchase_sessions)', 'cart_sessions') }} as abandonment_rate
    from days

)

select * from final
order by event_date
