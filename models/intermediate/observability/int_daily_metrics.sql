{{ config(unique_key=['event_date', 'metric']) }}

with

totals as (

    select * from {{ ref('int_daily_totals') }}

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
        cast(event_count as decimal(22, 4)) as metric_value
    from totals
    union all
    select
        event_date,
        'sessions',
        session_count
    from totals
    union all
    select
        event_date,
        'revenue',
        revenue
    from totals
    union all
    select
        event_date,
        'score',
        average_score
    from totals
    union all
    select
        arrival_date,
        'records',
        record_count
    from arrivals
    union all
    select
        arrival_date,
        'reject_share',
        {{ ratio('rejected_count', 'record_count') }}
    from arrivals
    union all
    select
        event_date,
        'duplicate_share',
        {{ ratio('duplicates', 'current_records') }}
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
