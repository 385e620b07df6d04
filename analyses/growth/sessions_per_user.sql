with

final as (

    select
        event_date,
        {{ quotient('unique_sessions', 'unique_users', 2) }} as sessions_per_user,
        {{ ratio('new_users', 'unique_users') }} as new_user_share,
        {{ ratio('returning_users', 'unique_users') }} as returning_user_share
    from {{ ref('user_activity') }}
    where {{ in_last_days('event_date', 30, ref('user_activity')) }}

)

select * from final
order by event_date
