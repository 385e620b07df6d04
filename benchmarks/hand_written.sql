-- What one would write by hand for the same facts and marts: DuckDB, from raw payloads to plain Parquet, once,
-- for an input that never changes. `payloads` is a view of raw.web_events, ${out} the directory to write to.
-- It reads the six formats of tours and shops, as they are documented, and not the dirt of real events. It leaves out what
-- makes the models incremental, comparable between engines and testable.

create temp table records as
with texts as (
    select
        *,
        case
            when payload_encoding <> 'utf8' then null
            when left(payload, 1) <> '{' then try(decode(from_base64(trim(payload, '" '))))
            when left(payload, 7) = '{"data"' or left(payload, 11) = '{"kinesis":'
                then try(decode(from_base64(coalesce(payload ->> '$.data', payload ->> '$.kinesis.data'))))
            else payload
        end as record
    from payloads
),
parsed as (
    select
        *,
        json_transform(case when json_valid(record) and record not like '%:NaN%' then record end, '{
            "_id": {"$oid": "VARCHAR"}, "messageId": "VARCHAR", "event_id": "VARCHAR", "click_id": "VARCHAR",
            "type": "VARCHAR", "event": "VARCHAR", "name": "VARCHAR", "anonymousId": "VARCHAR",
            "sessionId": "VARCHAR", "userId": "VARCHAR", "timestamp": "VARCHAR", "eventTimestamp": "VARCHAR",
            "properties": {
                "url": "VARCHAR", "referrer": "VARCHAR", "userAgent": "VARCHAR", "deviceType": "VARCHAR",
                "country": "VARCHAR", "spaceId": "VARCHAR", "spaceName": "VARCHAR", "spaceType": "VARCHAR",
                "roomId": "VARCHAR", "roomName": "VARCHAR", "community": "VARCHAR", "building": "VARCHAR",
                "floorplan": "VARCHAR", "coordinates": {"pitch": "VARCHAR", "yaw": "VARCHAR", "hfov": "VARCHAR"},
                "productId": "VARCHAR", "category": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR",
                "searchQuery": "VARCHAR"
            },
            "metadata": {
                "anonymousId": "VARCHAR", "sessionId": "VARCHAR", "userAgent": "VARCHAR", "deviceType": "VARCHAR",
                "country": "VARCHAR", "product_id": "VARCHAR", "category": "VARCHAR", "quantity": "VARCHAR",
                "price": "VARCHAR", "search_query": "VARCHAR"
            },
            "eventData": {
                "type": "VARCHAR", "event": "VARCHAR", "userId": "VARCHAR", "anonymousId": "VARCHAR",
                "sessionId": "VARCHAR",
                "properties": {
                    "url": "VARCHAR", "referrer": "VARCHAR", "userAgent": "VARCHAR", "deviceType": "VARCHAR",
                    "country": "VARCHAR", "spaceId": "VARCHAR", "spaceName": "VARCHAR", "spaceType": "VARCHAR",
                    "roomId": "VARCHAR", "roomName": "VARCHAR", "community": "VARCHAR", "building": "VARCHAR",
                    "floorplan": "VARCHAR",
                    "coordinates": {"pitch": "VARCHAR", "yaw": "VARCHAR", "hfov": "VARCHAR"},
                    "productId": "VARCHAR", "category": "VARCHAR", "quantity": "VARCHAR", "price": "VARCHAR",
                    "searchQuery": "VARCHAR"
                }
            },
            "user_id": "VARCHAR", "customer_id": "VARCHAR", "session_id": "VARCHAR", "event_type": "VARCHAR",
            "action": "VARCHAR", "event_timestamp": "VARCHAR", "device_type": "VARCHAR", "device": "VARCHAR",
            "page_url": "VARCHAR", "page": "VARCHAR", "referrer_url": "VARCHAR", "referrer": "VARCHAR",
            "user_agent": "VARCHAR", "country": "VARCHAR", "product_id": "VARCHAR", "category": "VARCHAR",
            "quantity": "VARCHAR", "price": "VARCHAR", "search_query": "VARCHAR"
        }') as r
    from texts
),
typed as (
    select
        payload, payload_encoding, parse_error, source, source_uri, source_etag, source_position,
        source_modified_at, batch_id, loaded_at, record, r,
        case
            when r.eventData is not null then 'nested'
            when r.action is not null then 'clickstream'
            when r.event_type is not null
                then case
                    when coalesce(r.event_timestamp, r.device_type, r.page_url, r.referrer_url) is not null
                        or r.metadata is not null then 'clickstream'
                    when coalesce(r.customer_id, r.page, r.device) is not null then 'web_shop'
                    else 'commerce'
                end
            when r.type is not null then 'legacy'
        end as source_format,
        nullif(coalesce(r._id."$oid", r.messageId, r.event_id, r.click_id), '') as own_event_id,
        coalesce(r.eventTimestamp, r.event_timestamp, r.timestamp) as raw_time,
        case
            when left(raw_time, 1) = '{' then coalesce(raw_time ->> '$."$date"."$numberLong"', raw_time ->> '$."$date"')
            else nullif(raw_time, '')
        end as event_time,
        try_cast(event_time as double) as epoch,
        case
            when event_time is null then source_modified_at
            when epoch is not null then make_timestamp(try_cast(
                case
                    when epoch < 1e11 then epoch * 1000000 when epoch < 1e14 then epoch * 1000 when epoch < 1e17 then epoch
                    else epoch / 1000
                end as bigint))
            else try_cast(try_cast(
                case when regexp_matches(event_time, '(Z|[+-][0-9]{2}:?[0-9]{2})$') then event_time
                else event_time || 'Z' end as timestamptz) at time zone 'UTC' as timestamp)
        end as event_timestamp,
        coalesce(r.eventData.properties, r.properties) as p,
        nullif(coalesce(r.anonymousId, r.metadata.anonymousId, r.eventData.anonymousId), '') as anonymous_id,
        nullif(coalesce(r.userId, r.eventData.userId, r.user_id, r.customer_id), '') as user_id
    from parsed
)
select
    * exclude (r, p, record, epoch, raw_time, event_time),
    coalesce(own_event_id, md5(record || event_timestamp)) as event_id,
    cast(event_timestamp as date) as event_date,
    case when event_time is null then 'arrival' else 'event' end as timestamp_source,
    coalesce(anonymous_id, user_id) as visitor_id,
    coalesce(r.eventData.type, r.event_type, r.action, r.type) as event_type,
    coalesce(r.eventData.event, r.event, r.name) as event_name,
    coalesce(r.sessionId, r.metadata.sessionId, r.eventData.sessionId, r.session_id) as source_session_id,
    coalesce(p.url, r.page_url, r.page) as page_url,
    regexp_replace(regexp_replace(page_url, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#].*$', '') as page_path,
    coalesce(p.referrer, r.referrer_url, r.referrer) as referrer_url,
    coalesce(r.user_agent, r.metadata.userAgent, p.userAgent) as user_agent,
    coalesce(r.metadata.deviceType, r.device_type, r.device, p.deviceType) as source_device_type,
    coalesce(r.metadata.country, r.country, p.country) as source_country,
    p.spaceId as space_id, p.spaceName as space_name, p.spaceType as space_type, p.roomId as room_id,
    p.roomName as room_name, p.community as community, p.building as building, p.floorplan as floorplan,
    try_cast(p.coordinates.pitch as double) as pitch,
    try_cast(p.coordinates.yaw as double) as yaw,
    try_cast(p.coordinates.hfov as double) as hfov,
    coalesce(p.productId, r.metadata.product_id, r.product_id) as product_id,
    coalesce(p.category, r.metadata.category, r.category) as category,
    try_cast(coalesce(p.quantity, r.metadata.quantity, r.quantity) as bigint) as quantity,
    try_cast(coalesce(p.price, r.metadata.price, r.price) as decimal(18, 2)) as price,
    coalesce(p.searchQuery, r.metadata.search_query, r.search_query) as search_query,
    case
        when r is null then 'not_json_object'
        when source_format is null then 'unknown_format'
        when visitor_id is null then 'no_visitor_id'
        when event_timestamp is null then 'unreadable_timestamp'
        when event_timestamp > source_modified_at + interval 24 hour then 'future_event'
        when event_timestamp < timestamp '2000-01-01' then 'before_2000'
    end as rejection_reason
from typed;

copy (
    select payload, source_uri, source_etag, source_position, batch_id, loaded_at, rejection_reason
    from records where rejection_reason is not null
) to '${out}/rejected_events.parquet' (compression zstd);

create temp table events as
with kept as (
    select * exclude (payload, payload_encoding, parse_error, rejection_reason)
    from records
    where rejection_reason is null
    qualify row_number() over (
        partition by event_id, event_date
        order by event_timestamp desc, source_modified_at desc, source_uri desc, source_position desc
    ) = 1
),
started as (
    select
        *,
        coalesce(event_timestamp > lag(event_timestamp) over visits + interval 30 minute, true) as is_session_start
    from kept
    window visits as (partition by visitor_id order by event_timestamp, event_id)
),
numbered as (
    select
        *,
        max(case when is_session_start then event_timestamp end) over (
            partition by visitor_id order by event_timestamp, event_id rows unbounded preceding
        ) as session_start_at
    from started
)
select
    * exclude (session_start_at),
    md5(visitor_id || '|' || epoch_us(session_start_at)) as session_id,
    case when event_type = 'purchase' then coalesce(price * quantity, 0) end as revenue
from numbered;

drop table records;

copy events to '${out}/fct_web_events.parquet' (compression zstd);

create temp table sessions as
select
    *,
    row_number() over (partition by visitor_id order by session_start_at) as session_number
from (
    select
        session_id,
        visitor_id,
        max(anonymous_id) as anonymous_id,
        arg_max(user_id, (event_timestamp, event_id)) filter (user_id is not null) as user_id,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at,
        count(*) as event_count,
        count(*) filter (event_type in ('page', 'page_view')) as page_view_count,
        arg_min(page_path, (event_timestamp, event_id)) filter (page_path is not null) as entry_page,
        arg_max(page_path, (event_timestamp, event_id)) filter (page_path is not null) as exit_page,
        bool_or(event_type = 'purchase') as is_converted
    from events
    group by session_id, visitor_id
);

copy sessions to '${out}/fct_sessions.parquet' (compression zstd);

copy (
    select
        visitor_id,
        max(anonymous_id) as anonymous_id,
        arg_max(user_id, session_start_at) filter (user_id is not null) as user_id,
        min(session_start_at) as first_seen_at,
        max(session_end_at) as last_seen_at,
        count(*) as session_count
    from sessions
    group by visitor_id
) to '${out}/dim_visitors.parquet' (compression zstd);

create temp table funnel as
select
    product_id,
    max(category) as category,
    count(*) filter (event_type in ('page_view', 'product_view')) as views,
    count(*) filter (event_type = 'add_to_cart') as add_to_carts,
    count(*) filter (event_type = 'purchase') as purchases,
    add_to_carts / nullif(views, 0) as view_to_cart_conversion,
    purchases / nullif(views, 0) as view_to_purchase_conversion,
    purchases / nullif(add_to_carts, 0) as cart_to_purchase_conversion
from events
where product_id is not null
group by product_id;

copy funnel to '${out}/conversion_funnel.parquet' (compression zstd);

copy (
    select row_number() over (order by views desc, product_id) as rank, product_id, category, views as view_count
    from funnel where views > 0 order by rank limit 10
) to '${out}/top_products.parquet';

copy (
    select event_date, extract(hour from event_timestamp) as event_hour, sum(revenue) as total_revenue,
        count(*) as transaction_count
    from events where event_type = 'purchase' group by all
) to '${out}/hourly_revenue.parquet';

copy (
    select event_date, category, count(*) as event_count
    from events where category is not null group by all
) to '${out}/category_performance.parquet';

copy (
    select event_date, count(distinct visitor_id) as unique_users, count(distinct session_id) as unique_sessions
    from events group by all
) to '${out}/user_activity.parquet';
