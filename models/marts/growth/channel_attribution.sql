{{
    config(
        partitioned_by=['month(conversion_date)'],
        meta={'rebuild_by': 'conversion_date'},
    )
}}

with

touches as (

    select
        *,
        max(case when channel <> '{{ var('direct_channel') }}' then touch_number end) over (
            partition by visitor_id, conversion_date, event_id
        ) as last_non_direct_number
    from {{ ref('int_purchase_touches') }}
    where {{ touched() }}

),

credits as (

    select
        touches.*,
        cast(models.model as varchar) as model  -- noqa: RF04
    from touches
    cross join (
        values ('first_touch'), ('last_touch'), ('last_non_direct'), ('linear'), ('position_based')
    ) as models (model)

),

-- A touch's share of the purchase is its weight among those of all touches.
weighted as (

    select
        *,
        case model
            when 'first_touch' then case when touch_number = 1 then 1 else 0 end
            when 'last_touch' then case when touch_number = touch_count then 1 else 0 end
            when 'last_non_direct'
                then case when touch_number = coalesce(last_non_direct_number, touch_count) then 1 else 0 end
            when 'linear' then 1
            when 'position_based'
                then case
                    when touch_count <= 2 then 1
                    when touch_number in (1, touch_count)
                        then {{ var('attribution_edge_percent') }} * (touch_count - 2)
                    else {{ 100 - 2 * var('attribution_edge_percent') }}
                end
        end as weight
    from credits

),

shares as (

    select
        *,
        sum(weight) over (partition by visitor_id, conversion_date, event_id, model) as total_weight
    from weighted

),

rounded as (

    select
        *,
        {{ rounded_quotient('weight', 'total_weight', 6) }} as conversions,
        {{ rounded_quotient('cast(revenue as decimal(38, 2)) * weight', 'total_weight', 2) }} as credited_revenue
    from shares
    where weight > 0

),

-- What rounding leaves is the last touch's.
remainders as (

    select
        *,
        1 - sum(conversions) over (
            partition by visitor_id, conversion_date, event_id, model
        ) as conversions_left,
        revenue - sum(credited_revenue) over (
            partition by visitor_id, conversion_date, event_id, model
        ) as revenue_left
    from rounded

),

final as (

    select
        conversion_date,
        channel,
        model,
        cast(
            sum(conversions + case when touch_number = touch_count then conversions_left else 0 end) as decimal(18, 6)
        ) as conversions,
        {{ sum_of_money(
            'credited_revenue + case when touch_number = touch_count then revenue_left else 0 end'
        ) }} as revenue
    from remainders
    group by conversion_date, channel, model

)

select * from final
