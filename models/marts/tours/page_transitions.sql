{{
    config(
        partitioned_by=['month(session_date)'],
        meta={'rebuild_by': 'session_date'},
    )
}}

with

events as (

    select * from {{ ref('int_session_events') }}
    where page_path is not null

),

-- A page after itself is no step.
steps as (

    select
        session_date,
        session_id,
        '(entry)' as from_page,
        page_path as to_page
    from events
    where previous_page_path is null
    union all
    select
        session_date,
        session_id,
        page_path as from_page,
        coalesce(next_page_path, '(exit)') as to_page
    from events
    where
        next_page_path is null
        or next_page_path <> page_path

),

final as (

    select
        session_date,
        from_page,
        to_page,
        count(*) as transitions,
        count(distinct session_id) as sessions
    from steps
    group by session_date, from_page, to_page

)

select * from final
