with

days as (

    select * from {{ ref('revenue_by_category') }}
    where {{ in_last_days('transaction_date', 30, ref('revenue_by_category')) }}

),

categories as (

    select
        category,
        {{ sum_of_money('revenue') }} as revenue,
        sum(orders) as orders,
        {{ sum_of_whole_numbers('units') }} as units
    from days
    group by category

),

final as (

    select
        category,
        revenue,
        orders,
        units,
        {{ rounded_quotient('revenue', 'sum(revenue) over ()') }} as revenue_share
    from categories

)

select * from final
order by revenue desc, category asc
