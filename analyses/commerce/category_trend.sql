with

days as (

    select
        category,
        event_count,
        {{ in_last_days('event_date', 7, ref('category_performance')) }} as is_recent
    from {{ ref('category_performance') }}
    where {{ in_last_days('event_date', 14, ref('category_performance')) }}

),

categories as (

    select
        category,
        sum(case when is_recent then event_count else 0 end) as event_count,
        sum(case when is_recent then 0 else event_count end) as event_count_previous_week
    from days
    group by category

),

final as (

    select
        category,
        event_count,
        event_count_previous_week,
        {{ rounded_quotient(
            'event_count - event_count_previous_week', 'event_count_previous_week'
        ) }} as change_on_previous_week
    from categories

)

select * from final
order by event_count desc, category asc
