with

final as (

    select
        event_date,
        space_type,
        count(*) as events
    from {{ ref('fct_web_events') }}
    where {{ in_last_days('event_date', 7, ref('fct_web_events')) }}
    group by event_date, space_type

)

select * from final
order by event_date, space_type
