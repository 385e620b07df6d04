{{
    config(
        partitioned_by=['session_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}
-- depends_on: {{ ref('channel_rules') }}

with

events as (

    select * from {{ ref('int_web_events_enriched') }}
    where
        has_origin
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

sources as (

    select * from {{ ref('referrer_sources') }}

),

click_ids as (

    select * from {{ ref('click_ids') }}

),

-- A session comes from where its first event with a page or a referrer comes from.
ordered as (

    select
        *,
        row_number() over (partition by session_id order by event_timestamp, event_id) as place
    from events

),

first_events as (

    select * from ordered
    where place = 1

),

hosts as (

    select referrer_host as host from first_events
    where referrer_host is not null
    union distinct
    select utm_source as host from first_events
    where utm_source is not null

),

known_as as (

    {{ hosts_and_domains('hosts') }}

),

-- The longest name that the seed has: mail.google.com before google.com.
ranked_hosts as (

    select
        known_as.host,
        sources.source_kind,
        row_number() over (partition by known_as.host order by length(known_as.known_as) desc) as place
    from known_as
    inner join sources
        on known_as.known_as = sources.host

),

host_kinds as (

    select
        host,
        source_kind
    from ranked_hosts
    where place = 1

),

source_kinds as (

    select distinct
        source,
        source_kind
    from sources

),

with_kinds as (

    select
        first_events.*,
        coalesce(source_kinds.source_kind, source_host_kinds.source_kind) as utm_source_kind,
        referrer_kinds.source_kind as referrer_kind,
        click_ids.source_kind as click_id_kind
    from first_events
    left join source_kinds
        on first_events.utm_source = source_kinds.source
    left join host_kinds as source_host_kinds
        on first_events.utm_source = source_host_kinds.host
    left join host_kinds as referrer_kinds
        on first_events.referrer_host = referrer_kinds.host
    left join click_ids
        on first_events.click_id_type = click_ids.click_id_type

),

with_paid_kind as (

    select
        *,
        coalesce(case when utm_source is null then referrer_kind else utm_source_kind end, click_id_kind) as paid_kind
    from with_kinds

),

final as (

    select
        session_id,
        session_date,
        visitor_id,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        click_id_type,
        referrer_host,
        {{ channel() }} as channel
    from with_paid_kind

)

select * from final
