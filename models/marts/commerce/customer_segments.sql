{{ config(unique_key='customer_id', meta={'rebuild_by': 'everything'}) }}

with

as_of as (

    select max(transaction_date) as last_date
    from {{ ref('int_sales_daily') }}

),

customers as (

    select
        customer_values.customer_id,
        {{ days_between('customer_values.last_purchase', 'as_of.last_date') }} as recency_days,
        customer_values.total_orders as frequency,
        customer_values.lifetime_value as monetary
    from {{ ref('customer_lifetime_value') }} as customer_values
    cross join as_of

),

-- Customers with the same value share the least rank.
ranked as (

    select
        *,
        rank() over (order by recency_days asc) as recency_rank,
        rank() over (order by frequency asc) as frequency_rank,
        rank() over (order by monetary asc) as monetary_rank,
        count(*) over () as customer_count
    from customers

),

scored as (

    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        5 - {{ whole_quotient('5 * (recency_rank - 1)', 'customer_count') }} as recency_score,
        1 + {{ whole_quotient('5 * (frequency_rank - 1)', 'customer_count') }} as frequency_score,
        1 + {{ whole_quotient('5 * (monetary_rank - 1)', 'customer_count') }} as monetary_score
    from ranked

),

matched as (

    select
        scored.*,
        rules.segment,
        row_number() over (partition by scored.customer_id order by rules.priority) as rule_number
    from scored
    left join {{ ref('customer_segment_rules') }} as rules
        on
            scored.recency_score >= coalesce(rules.min_recency_score, 1)
            and scored.recency_score <= coalesce(rules.max_recency_score, 5)
            and scored.frequency_score >= coalesce(rules.min_frequency_score, 1)
            and scored.frequency_score <= coalesce(rules.max_frequency_score, 5)
            and scored.monetary_score >= coalesce(rules.min_monetary_score, 1)
            and scored.monetary_score <= coalesce(rules.max_monetary_score, 5)

),

final as (

    select
        customer_id,
        recency_days,
        frequency,
        monetary,
        cast(recency_score as integer) as recency_score,
        cast(frequency_score as integer) as frequency_score,
        cast(monetary_score as integer) as monetary_score,
        segment
    from matched
    where rule_number = 1

)

select * from final
