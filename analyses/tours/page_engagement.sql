with

pages as (

    select
        page_path,
        sum(views) as views,
        sum(exits) as exits,
        sum(engaged_seconds) as engaged_seconds
    from {{ ref('page_performance') }}
    where {{ in_last_days('event_date', 30, ref('page_performance')) }}
    group by page_path

),

final as (

    select
        page_path,
        views,
        {{ rounded_quotient('engaged_seconds', 'views', 2) }} as engaged_seconds_per_view,
        {{ ratio('exits', 'views') }} as exit_rate
    from pages
    where views > 0

)

select * from final
order by views desc, page_path asc
limit 20
