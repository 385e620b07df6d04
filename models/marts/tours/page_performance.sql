{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select
        *,
        previous_page_path is null as is_entrance,
        next_page_path is null as is_exit
    from {{ ref('int_session_events') }}
    where page_path is not null

),

counted as (

    select
        event_date,
        page_path,
        count(case when {{ is_page_view() }} then 1 end) as views,
        count(distinct session_id) as sessions,
        count(distinct visitor_id) as visitors,
        count(case when is_entrance then 1 end) as entrances,
        count(case when is_exit then 1 end) as exits,
        count(case when is_entrance and session_page_view_count = 1 then 1 end) as bounces,
        cast(sum(engaged_microseconds) as bigint) as engaged_microseconds,
        count(case when is_entrance and is_session_converted then 1 end) as conversions
    from events
    group by event_date, page_path

),

final as (

    select
        event_date,
        page_path,
        views,
        sessions,
        visitors,
        entrances,
        exits,
        bounces,
        {{ quotient('engaged_microseconds', 1000000, 2) }} as engaged_seconds,
        conversions,
        {{ ratio('exits', 'views') }} as exit_rate,
        {{ ratio('bounces', 'entrances') }} as bounce_rate
    from counted

)

select * from final
