{{ config(unique_key=['event_date', 'metric'], meta={'rebuild_by': 'everything'}) }}

with

daily as (

    select * from {{ ref('int_daily_metrics') }}

),

history as (

    select
        judged.event_date,
        judged.metric,
        judged.metric_value,
        earlier.metric_value as earlier_value,
        count(*) over (partition by judged.event_date, judged.metric) as day_count,
        row_number() over (
            partition by judged.event_date, judged.metric
            order by earlier.metric_value
        ) as value_rank
    from daily as judged
    inner join daily as earlier
        on
            judged.metric = earlier.metric
            and judged.event_date > earlier.event_date
            and {{ add_days('judged.event_date', -var('anomaly_days')) }} <= earlier.event_date

),

-- Medians by nearest rank: the least value that half of the values do not exceed.
with_expected as (

    select
        *,
        min(case when 2 * value_rank >= day_count then earlier_value end) over (
            partition by event_date, metric
        ) as expected
    from history
    where day_count >= {{ var('anomaly_least_days') }}

),

with_deviations as (

    select
        *,
        abs(earlier_value - expected) as deviation,
        row_number() over (
            partition by event_date, metric
            order by abs(earlier_value - expected)
        ) as deviation_rank
    from with_expected

),

medians as (

    select
        event_date,
        metric,
        metric_value,
        expected,
        min(case when 2 * deviation_rank >= day_count then deviation end) as deviation
    from with_deviations
    group by event_date, metric, metric_value, expected

),

bands as (

    select
        event_date,
        metric,
        metric_value,
        expected,
        cast(
            greatest(
                {{ var('anomaly_factor') }} * deviation,
                {{ var('anomaly_least_deviation') }} * abs(expected),
                case
                    when metric in ('reject_share', 'duplicate_share', 'score') then {{ var('anomaly_least_share') }}
                    else {{ var('anomaly_least_count') }}
                end
            ) as decimal(22, 4)
        ) as band
    from medians

),

final as (

    select
        event_date,
        metric,
        metric_value as value,  -- noqa: RF04
        expected,
        band,
        cast(case when metric_value > expected then 'above' else 'below' end as varchar) as direction
    from bands
    where abs(metric_value - expected) > band

)

select * from final
