with

pages as (

    select
        page_path,
        sum(entrances) as entrances,
        sum(bounces) as bounces,
        sum(conversions) as conversions
    from {{ ref('page_performance') }}
    where {{ in_last_days('event_date', 30, ref('page_performance')) }}
    group by page_path

),

final as (

    select
        page_path,
        entrances,
        {{ ratio('bounces', 'entrances') }} as bounce_rate,
        {{ ratio('conversions', 'entrances') }} as conversion_rate
    from pages
    where entrances > 0

)

select * from final
order by entrances desc, page_path asc
limit 20
