{{
    config(
        unique_key='session_id',
        partitioned_by=['session_date'],
        meta={'rebuild_by': 'visitor_id'},
    )
}}

with

sessions as (

    select * from {{ ref('int_sessions') }}
    where {{ touched() }}

),

final as (

    select
        session_id,
        visitor_id,
        anonymous_id,
        user_id,
        session_start_at,
        session_end_at,
        session_date,
        row_number() over (partition by visitor_id order by session_start_at) as session_number,
        duration_seconds,
        event_count,
        page_view_count,
        entry_page,
        exit_page,
        is_bounce,
        is_converted
    from sessions

)

select * from final
