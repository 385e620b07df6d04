with

segments as (

    select
        segment,
        count(*) as customers,
        sum(frequency) as orders,
        {{ sum_of_money('monetary') }} as revenue
    from {{ ref('customer_segments') }}
    group by segment

),

final as (

    select
        segment,
        customers,
        orders,
        revenue,
        {{ ratio('customers', 'sum(customers) over ()') }} as customer_share,
        {{ rounded_quotient('revenue', 'sum(revenue) over ()') }} as revenue_share
    from segments

)

select * from final
order by revenue desc, segment asc
