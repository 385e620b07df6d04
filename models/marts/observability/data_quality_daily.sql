{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where {{ touched() }}

),

scores as (

    select
        event_date,
        source_format,
        data_quality_score,
        count(*) as event_count,
        count(case when is_bot then 1 end) as bot_events,
        count(case when timestamp_source = 'arrival' then 1 end) as arrival_events
    from events
    group by event_date, source_format, data_quality_score

),

ranked as (

    select
        *,
        sum(event_count) over (
            partition by event_date, source_format
            order by data_quality_score
        ) as events_up_to_it,
        sum(event_count) over (partition by event_date, source_format) as all_events
    from scores

),

final as (

    select
        event_date,
        source_format,
        cast(sum(event_count) as bigint) as event_count,
        {{ rounded_quotient('sum(data_quality_score * event_count)', 'sum(event_count)', 4) }} as average_score,
        min(case when events_up_to_it * 10 >= all_events then data_quality_score end) as tenth_percentile_score,
        cast(
            sum(case when data_quality_score < {{ var('low_quality_score') }} then event_count else 0 end) as bigint
        ) as low_score_events,
        cast(sum(bot_events) as bigint) as bot_events,
        cast(sum(arrival_events) as bigint) as arrival_events
    from ranked
    group by event_date, source_format

)

select * from final
