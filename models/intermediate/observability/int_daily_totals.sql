-- Without partitions: one row a day, which marts read as a whole.
{{ config(meta={'rebuild_by': 'event_date'}) }}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where {{ touched() }}

),

final as (

    select
        event_date,
        count(*) as events,
        count(case when is_bot then 1 end) as bot_events,
        count(distinct case when not is_bot then visitor_id end) as visitors,
        count(distinct case when not is_bot then session_id end) as sessions,
        count(case when not is_bot and {{ is_page_view() }} then 1 end) as page_views,
        count(case when not is_bot and event_action = 'purchase' then 1 end) as purchases,
        {{ sum_of_money('case when not is_bot then revenue end') }} as revenue,
        cast(coalesce(sum(case when not is_bot then data_quality_score end), 0) as decimal(22, 4)) as total_score
    from events
    group by event_date

)

select * from final
