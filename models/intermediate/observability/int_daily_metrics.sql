{{ config(unique_key=['event_date', 'metric'], meta={'rebuild_by': 'everything'}) }}

with

totals as (

    select
        event_date,
        events - bot_events as events,
        sessions,
        revenue,
        {{ rounded_quotient('total_score', '(events - bot_events)', 4) }} as average_score
    from {{ ref('int_daily_totals') }}
    where events > bot_events

),

arrivals as (

    select
        arrival_date,
        cast(sum(record_count) as bigint) as record_count,
        cast(sum(rejected_count) as bigint) as rejected_count
    from {{ ref('int_batch_arrivals') }}
    group by arrival_date

),

copies as (

    select
        event_date,
        cast(sum(duplicates) as bigint) as duplicates,
        cast(sum(events + duplicates) as bigint) as current_records
    from {{ ref('int_batch_counts') }}
    group by event_date

),

metrics as (

    select
        event_date,
        'events' as metric,
        cast(events as decimal(22, 4)) as metric_value
    from totals
    union all
    select
        event_date,
        'sessions' as metric,
        sessions as metric_value
    from totals
    union all
    select
        event_date,
        'revenue' as metric,
        revenue as metric_value
    from totals
    union all
    select
        event_date,
        'score' as metric,
        average_score as metric_value
    from totals
    union all
    select
        arrival_date as event_date,
        'records' as metric,
        record_count as metric_value
    from arrivals
    union all
    select
        arrival_date as event_date,
        'reject_share' as metric,
        {{ ratio('rejected_count', 'record_count') }} as metric_value
    from arrivals
    union all
    select
        event_date,
        'duplicate_share' as metric,
        {{ ratio('duplicates', 'current_records') }} as metric_value
    from copies

),

final as (

    select
        event_date,
        metric,
        cast(metric_value as decimal(22, 4)) as metric_value
    from metrics
    where metric_value is not null

)

select * from final
