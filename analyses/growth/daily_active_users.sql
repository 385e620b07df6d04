with

final as (

    select
        event_date,
        unique_users,
        unique_sessions
    from {{ ref('user_activity') }}
    where {{ in_last_days('event_date', 30, ref('user_activity')) }}

)

select * from final
order by event_date
