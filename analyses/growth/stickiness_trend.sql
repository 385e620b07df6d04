with

final as (

    select
        event_date,
        dau,
        wau,
        mau,
        dau_over_mau
    from {{ ref('stickiness') }}
    where {{ in_last_days('event_date', 30, ref('stickiness')) }}

)

select * from final
order by event_date
