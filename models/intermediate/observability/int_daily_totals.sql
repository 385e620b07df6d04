-- Without partitions: one row a day, which the mart reads as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        not is_bot
        and {{ touched() }}

),

final as (

    select
        event_date,
        count(*) as event_count,
        count(distinct session_id) as session_count,
        {{ sum_of_money('revenue') }} as revenue,
        {{ rounded_quotient('sum(data_quality_score)', 'count(*)', 4) }} as average_score
    from events
    group by event_date

)

select * from final
