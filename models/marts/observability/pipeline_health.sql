{{
    config(
        partitioned_by=['month(load_date)'],
        meta={'rebuild_by': 'load_date'},
    )
}}

with

loads as (

    select
        load_date,
        date_trunc('hour', loaded_at) as load_hour,
        source,
        count(distinct batch_id) as batch_count,
        cast(sum(object_count) as bigint) as object_count,
        cast(sum(record_count) as bigint) as record_count,
        cast(sum(malformed_count) as bigint) as malformed_count,
        cast(sum(rejected_count) as bigint) as rejected_count
    from {{ ref('int_batch_arrivals') }}
    where {{ touched() }}
    group by load_date, date_trunc('hour', loaded_at), source

),

delays as (

    select * from {{ ref('int_hourly_delays') }}
    where {{ touched() }}

),

scores as (

    select
        load_hour,
        source,
        {{ rounded_quotient('sum(total_score)', 'sum(event_count)', 4) }} as average_score
    from {{ ref('int_load_scores') }}
    where {{ touched() }}
    group by load_hour, source

),

measured as (

    select
        loads.*,
        {{ ratio('loads.rejected_count', 'loads.record_count') }} as error_rate,
        delays.median_delay_seconds,
        delays.p95_delay_seconds,
        scores.average_score
    from loads
    left join delays
        on loads.load_hour = delays.load_hour and loads.source = delays.source
    left join scores
        on loads.load_hour = scores.load_hour and loads.source = scores.source

),

final as (

    select
        load_hour,
        source,
        load_date,
        batch_count,
        object_count,
        record_count,
        malformed_count,
        rejected_count,
        error_rate,
        median_delay_seconds,
        p95_delay_seconds,
        average_score,
        cast(
            case
                when median_delay_seconds > 60 * {{ var('health_delay_minutes') }}
                    then 'breach'
                else 'ok'
            end as varchar
        ) as delay_status,
        cast(
            case
                when error_rate > {{ var('health_error_rate') }}
                    then 'breach'
                else 'ok'
            end as varchar
        ) as error_rate_status,
        cast(
            case
                when average_score < {{ var('health_quality_score') }}
                    then 'breach'
                else 'ok'
            end as varchar
        ) as score_status
    from measured

)

select * from final
