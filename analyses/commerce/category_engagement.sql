with

final as (

    select
        event_date,
        category,
        event_count
    from {{ ref('category_performance') }}
    where {{ in_last_days('event_date', 7, ref('category_performance')) }}

)

select * from final
order by event_date, category
