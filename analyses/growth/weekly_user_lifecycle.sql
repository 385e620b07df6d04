with

final as (

    select
        week,
        new_users,
        retained_users,
        resurrected_users,
        churned_users,
        {{ ratio('churned_users', '(retained_users + churned_users)') }} as churn_rate
    from {{ ref('user_lifecycle') }}

)

select * from final
order by week
