-- Without partitions: few rows a day.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where {{ touched() }}

),

final as (

    select
        event_date,
        source,
        cast(loaded_at as date) as load_date,
        date_trunc('hour', loaded_at) as load_hour,
        count(*) as event_count,
        sum(data_quality_score) as total_score
    from events
    group by event_date, source, cast(loaded_at as date), date_trunc('hour', loaded_at)

)

select * from final
