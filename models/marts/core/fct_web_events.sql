{{
    config(
        partitioned_by=['event_date', 'bucket(space_type, 8)'],
        meta={'rebuild_by': 'session_id', 'lookups': ['stg_web_events', 'int_sessions']},
    )
}}

with

enriched as (

    select * from {{ ref('int_web_events_enriched') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

-- Rejected records have no event date: the join leaves them out, and engines know better how many rows they read.
records as (

    select * from {{ ref('stg_web_events') }}
    where {{ touched(on='event_date') }}

),

sessions as (

    select * from {{ ref('int_sessions') }}
    where
        {{ touched() }}
        and {{ touched(on='session_date') }}

),

final as (

    select
        enriched.event_id,
        enriched.event_timestamp,
        enriched.event_date,
        records.timestamp_source,
        records.event_type,
        records.event_name,
        enriched.event_action,
        records.source_format,
        records.anonymous_id,
        records.user_id,
        enriched.visitor_id,
        enriched.session_id,
        enriched.session_date,
        records.source_session_id,
        enriched.is_session_start,
        records.page_url,
        records.page_path,
        records.referrer_url,
        enriched.referrer_host,
        enriched.utm_source,
        enriched.utm_medium,
        enriched.utm_campaign,
        enriched.utm_term,
        enriched.utm_content,
        enriched.click_id_type,
        sessions.channel,
        records.user_agent,
        enriched.device_type,
        enriched.browser,
        enriched.os,
        records.ip_address,
        enriched.country,
        records.source_device_type,
        records.source_country,
        records.space_id,
        records.space_name,
        records.space_type,
        records.room_id,
        records.room_name,
        records.community,
        records.building,
        records.floorplan,
        records.coordinates,
        records.product_id,
        records.category,
        records.quantity,
        records.price,
        enriched.revenue,
        records.lines as product_lines,
        enriched.conversion_goal,
        enriched.conversion_value,
        records.search_query,
        {%- for column in own_columns() %}
        records.{{ column.name }},
        {%- endfor %}
        enriched.data_quality_score,
        enriched.failed_rules,
        sessions.is_bot,
        sessions.bot_reason,
        {{ invocation_started_at() }} as processed_timestamp,
        records.source,
        records.source_uri,
        records.source_position,
        records.batch_id,
        records.loaded_at
    from enriched
    inner join records
        on
            enriched.event_date = records.event_date
            and enriched.source_uri = records.source_uri
            and enriched.source_etag = records.source_etag
            and enriched.source_position = records.source_position
    inner join sessions
        on enriched.session_id = sessions.session_id

)

select * from final
