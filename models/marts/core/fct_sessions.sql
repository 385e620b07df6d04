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
        search_count,
        purchase_count,
        signed_up_at,
        revenue,
        entry_page,
        exit_page,
        first_event_action,
        last_event_action,
        channel,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        click_id_type,
        referrer_host,
        device_type,
        country,
        is_bounce,
        is_converted,
        is_engaged,
        is_bot,
        bot_reason,
        journey_type,
        engagement_tier,
        engaged_seconds
    from sessions

)

select * from final
