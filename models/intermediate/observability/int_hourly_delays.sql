{{ config(meta={'rebuild_by': 'load_date'}) }}

with

delay_counts as (

    select
        load_date,
        date_trunc('hour', loaded_at) as load_hour,
        source,
        delay_seconds,
        sum(record_count) as record_count
    from {{ ref('int_batch_delays') }}
    where {{ touched() }}
    group by load_date, date_trunc('hour', loaded_at), source, delay_seconds

),

ranked_delays as (

    select
        load_date,
        load_hour,
        source,
        delay_seconds,
        sum(record_count) over (
            partition by load_hour, source
            order by delay_seconds
        ) as records_up_to_it,
        sum(record_count) over (partition by load_hour, source) as all_records
    from delay_counts

),

-- By nearest rank: the least delay that this share of the records does not exceed.
final as (

    select
        load_date,
        load_hour,
        source,
        min(case when 2 * records_up_to_it >= all_records then delay_seconds end) as median_delay_seconds,
        min(case when 100 * records_up_to_it >= 95 * all_records then delay_seconds end) as p95_delay_seconds
    from ranked_delays
    group by load_date, load_hour, source

)

select * from final
