-- What one would write by hand for the same tables: DuckDB, from raw payloads to plain Parquet, once, for an input that
-- never changes. Run by hand_written.py: `raw` is the schema of raw tables, ${seeds} the folder of seeds, ${out} the
-- directory to write to.
--
-- It computes what a full refresh does of these models, in the columns that say nothing of building:
--   fct_web_events, fct_event_products, fct_sessions, dim_visitors, dim_users, dim_user_agents, dim_spaces,
--   rejected_events, load_reconciliation, schema_drift, conversion_funnel, top_products, hourly_revenue,
--   category_performance, user_activity
-- batch.py compares it with a full refresh of these and what they read, and tests/python/test_hand_written.py every
-- row. Rules and thresholds are as the models have them; what makes models incremental, portable and testable is
-- left out.


-- How values are read.

-- The texts at some paths: without blanks around them; null for what is empty, an object or a list.
create temp macro texts_at(json, paths) as list_transform(
    json_extract_string(json, paths),
    lambda text, i: case
        when text is null then null
        when text >= '!' and (text < '[' or text >= '\\' and text < '{') and text[-1] > ' ' then text
        when left(text, 1) in ('{', '[') and json_type(json, paths[i]) in ('OBJECT', 'ARRAY') then null
        else nullif(trim(text, e' \t\n\r'), '')
    end
);

-- The same, where the first two paths are those of lists.
create temp macro lists_and_texts_at(json, paths) as list_transform(
    json_extract_string(json, paths),
    lambda text, i: case
        when text is null then null
        when text >= '!' and (text < '[' or text >= '\\' and text < '{') and text[-1] > ' ' then text
        when i <= 2 then case when json_type(json, paths[i]) = 'ARRAY' then text end
        when left(text, 1) in ('{', '[') and json_type(json, paths[i]) in ('OBJECT', 'ARRAY') then null
        else nullif(trim(text, e' \t\n\r'), '')
    end
);

-- An id that is no counter without a value.
create temp macro set_counter(text) as case when text not in ('-1', '0') then text end;

create temp macro is_number(text) as regexp_matches(text, '^[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,2})?$');
create temp macro to_double(text) as case when is_number(text) then try_cast(text as double) end;
create temp macro to_money(text) as case when is_number(text) then try_cast(text as decimal(18, 2)) end;
create temp macro to_whole_number(text) as case
    when regexp_matches(text, '^[0-9]{1,15}$') then try_cast(text as bigint)
    when is_number(text) and try_cast(text as decimal(38, 6)) = floor(try_cast(text as decimal(38, 6)))
        then try_cast(try_cast(text as decimal(38, 6)) as bigint)
end;

-- Microseconds out of a number of seconds, milliseconds, microseconds or nanoseconds.
create temp macro whole_microseconds(number) as case
    when number < 100000000000 then number * 1000000
    when number < 100000000000000 then number * 1000
    when number < 100000000000000000 then number
    else number // 1000
end;
create temp macro microseconds(number) as case
    when number < -62135596800 then -62135596800000000
    when number < 100000000000 then number * 1000000
    when number < 100000000000000 then number * 1000
    when number < 100000000000000000 then number
    when number < cast('253402300800000000000' as decimal(38, 6)) then cast(floor(number) as hugeint) // 1000
    else 253402300799999999
end;
create temp macro timestamp_of(microseconds) as case
    when microseconds between -62135596800000000 and 253402300799999999
        then make_timestamp(cast(floor(microseconds) as bigint))
end;
create temp macro offset_minutes(text) as
    coalesce(try_cast(nullif(regexp_extract(text, '[T ].*([+-][0-9]{2}):?[0-9]{0,2}$', 1), '') as integer) * 60, 0)
    + coalesce(try_cast(
        nullif(regexp_extract(text, '[T ].*([+-])[0-9]{2}:?[0-9]{2}$', 1), '')
        || nullif(regexp_extract(text, '[T ].*[+-][0-9]{2}:?([0-9]{2})$', 1), '') as integer
    ), 0);
create temp macro to_timestamp_of(text) as case
    when regexp_matches(text, '^([0-9]{1,18}|[1-8][0-9]{18})$')
        then timestamp_of(whole_microseconds(try_cast(text as bigint)))
    when regexp_matches(text, '^[0-9]{1,11}[.][0-9]{1,6}$')
        then timestamp_of(cast(cast(try_cast(text as decimal(18, 6)) as decimal(38, 6)) * 1000000 as bigint))
    when regexp_matches(text, '^[+-]?[0-9]{1,30}([.][0-9]+)?([eE][+]?[0-9]{1,2})?$')
        then timestamp_of(microseconds(try_cast(text as decimal(38, 6))))
    when regexp_matches(text, '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?( ?(Z|[+-](0[0-9]|1[0-3])(:?[0-5][0-9])?|[+-]14(:?00)?)| UTC| GMT)?)?$')
        then case
            when text < '0001-01-02'
                then case when try_cast(substr(text, 1, 10) as date) is not null then timestamp '0001-01-01 00:00:00' end
            when not regexp_matches(text, '[T ].*[+-]')
                then try_cast(substr(rtrim(text, ' ZUTCGM'), 1, 26) as timestamp)
            when text >= '9999-12-31'
                then case
                    when try_cast(substr(text, 1, 10) as date) is not null then timestamp '9999-12-31 23:59:59.999999'
                end
            else try_cast(
                substr(rtrim(nullif(regexp_extract(text, '^(.*[^ ]) ?[+-][0-9:]+$', 1), ''), ' ZUTCGM'), 1, 26) as timestamp
            ) - to_minutes(offset_minutes(text))
        end
end;

-- When an object was written; those that claim to be older than 2000 count by their loading.
create temp macro believable(modified_at, loaded_at) as
    case when modified_at < timestamp '2000-01-01' then loaded_at else modified_at end;

-- A record without MongoDB's wrappers around values.
create temp macro without_wrappers(json) as case
    when contains(json, '{"$')
        then regexp_replace(
            regexp_replace(
                case
                    when contains(json, '{"$number')
                        then regexp_replace(
                            json,
                            '\{"[$]number(?:Int|Long|Double|Decimal)":("[^"\\]*"|-?[0-9][0-9.eE+-]*|null)\}', '\1', 'g'
                        )
                    else json
                end,
                '\{"[$](?:oid|date|uuid|symbol)":("[^"\\]*"|-?[0-9][0-9.eE+-]*|null)\}', '\1', 'g'
            ),
            '\{"[$]binary":\{"base64":("[^"\\]*"|-?[0-9][0-9.eE+-]*|null),"subType":"[^"\\]*"\}\}', '\1', 'g'
        )
    else json
end;

-- A record in which JSON held as text, lists of keys and values, and objects of times are opened.
create temp macro opened(json) as case
    when contains(json, ':"{')
        or contains(json, 'seconds":')
        or contains(json, '$timestamp":')
        or (contains(json, '[') and (contains(json, ':"[') or contains(json, '[{"key":"')))
        then opened_json(
            json,
            '[
                [
                    "eventData", "metadata", "properties", "products", "items", "context", "event_params", "device",
                    "geo", "collected_traffic_source", "ecommerce",
                    "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1",
                    "contexts_com_snowplowanalytics_snowplow_client_session_1",
                    "unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1",
                    "contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1",
                    "unstruct_event_com_snowplowanalytics_snowplow_site_search_1",
                    "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1", "event_properties",
                    "user_properties"
                ],
                [
                    "properties", "coordinates", "products", "items", "page", "device", "location", "campaign"
                ],
                [
                    "coordinates", "products", "items"
                ]
            ]',
            '[
                "client_event_time", "collector_tstamp", "created_at", "derived_tstamp", "dvce_created_tstamp",
                "etl_tstamp", "event_time", "event_timestamp", "eventTime", "eventTimestamp", "original_timestamp",
                "originalTimestamp", "received_at", "receivedAt", "sent_at", "sentAt", "server_received_time", "time",
                "timestamp", "ts"
            ]'
        )
    else json
end;

create temp macro kinds(json) as json_type(json, [
    '/eventData', '/type', '/event_type', '/action', '/event_timestamp', '/device_type', '/page_url', '/referrer_url',
    '/metadata', '/customer_id', '/page', '/device', '/context', '/originalTimestamp', '/original_timestamp',
    '/sentAt', '/sent_at', '/receivedAt', '/received_at', '/integrations', '/collector_tstamp', '/event',
    '/event_name', '/event_params', '/user_pseudo_id', '/amplitude_id', '/event_properties', '/$insert_id',
    '/user_session', '/data', '/kinesis/data', '/batch'
]);
create temp macro has_key(kind) as coalesce(kind, 'NULL') <> 'NULL';
create temp macro format_of(kinds) as case
    when kinds[1] = 'OBJECT' then 'nested'
    when has_key(kinds[21]) and (has_key(kinds[22]) or has_key(kinds[23]))
        then 'snowplow'
    when has_key(kinds[23]) and (has_key(kinds[24]) or has_key(kinds[25]))
        then 'ga4'
    when has_key(kinds[3])
        and (has_key(kinds[26]) or has_key(kinds[27]) or has_key(kinds[28]))
        then 'amplitude'
    when has_key(kinds[3]) and has_key(kinds[29]) then 'rees46'
    when has_key(kinds[4]) then 'clickstream'
    when has_key(kinds[3])
        then case
            when (has_key(kinds[5]) or has_key(kinds[6]) or has_key(kinds[7]) or has_key(kinds[8]) or has_key(kinds[9]))
                then 'clickstream'
            when (has_key(kinds[10]) or has_key(kinds[11]) or has_key(kinds[12])) then 'web_shop'
            else 'commerce'
        end
    when has_key(kinds[2])
        then case
            when (has_key(kinds[13]) or has_key(kinds[14]) or has_key(kinds[15]) or has_key(kinds[16])
                    or has_key(kinds[17]) or has_key(kinds[18]) or has_key(kinds[19]) or has_key(kinds[20]))
                then 'segment'
            else 'legacy'
        end
end;

create temp macro decoded(data) as case
    when length(data) % 4 = 0 and regexp_matches(data, '^[A-Za-z0-9+/]+={0,2}$') then try(decode(from_base64(data)))
    else list_transform(
        [rtrim(replace(replace(replace(replace(data, chr(13), ''), chr(10), ''), '-', '+'), '_', '/'), '=')],
        lambda letters: case
            when regexp_matches(letters, '^[A-Za-z0-9+/]+$') and length(letters) % 4 <> 1
                then try(decode(from_base64(concat_ws('', letters, substr('===', 1, (4 - length(letters) % 4) % 4)))))
        end
    )[1]
end;

-- All keys of a record, a line each.
create temp macro prefixed(names, prefix) as
    prefix || replace(nullif(array_to_string(names, chr(10)), ''), chr(10), chr(10) || prefix);
create temp macro keys_of(lists) as nullif(concat_ws(
    chr(10),
    nullif(array_to_string(lists[1], chr(10)), ''),
    prefixed(lists[2], 'properties.'),
    prefixed(lists[3], 'metadata.'),
    prefixed(lists[4], 'eventData.'),
    prefixed(lists[5], 'eventData.properties.'),
    prefixed(lists[6], 'context.'),
    prefixed(lists[7], 'event_properties.'),
    prefixed(lists[8], 'event_params.')
), '');

create temp macro url_host(url) as nullif(
    regexp_replace(
        lower(regexp_replace(
            regexp_replace(nullif(regexp_extract(url, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)', 1), ''), '^.*@', ''),
            ':[0-9]*$', ''
        )),
        '^www[.]', ''
    ),
    ''
);
create temp macro form_decoded(text) as case
    when not contains(text, '%') then replace(text, '+', ' ')
    when length(text) > 4096 then text
    when regexp_matches(text, '^(?:[^%]|%[0-7][0-9A-Fa-f]|%[Cc][2-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Dd][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ee]0%[ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ee][1-9A-CEFa-cef]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ee][Dd]%[89][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ff]0%[9ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ff][1-3]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f]|%[Ff]4%8[0-9A-Fa-f]%[89ABab][0-9A-Fa-f]%[89ABab][0-9A-Fa-f])*$')
        then url_decode(replace(text, '+', ' '))
    else text
end;
create temp macro parameter(query, name) as case
    when contains(query, name || '=')
        then nullif(
            trim(form_decoded(nullif(regexp_extract(query, '(?:^|&)' || name || '=([^&]+)', 1), '')), e' \t\n\r'), ''
        )
end;
create temp macro spelling(text) as regexp_replace(lower(text), '[^\p{L}\p{N}]+', '', 'g');
create temp macro total(amounts) as
    cast(least(greatest(coalesce(amounts, 0), -9999999999999999.99), 9999999999999999.99) as decimal(18, 2));
create temp macro ratio(part, whole) as case
    when whole > 0
        then cast(((2 * cast(part as hugeint) * 10000 + whole) // (2 * whole)) / 10000 as decimal(18, 4))
end;


-- Seeds.

create temp table event_actions as
select spelling(event_type) as event_type, spelling(event_name) as event_name, event_action
from read_csv('${seeds}/event_actions.csv', all_varchar = true);

create temp table countries as from read_csv('${seeds}/countries.csv', all_varchar = true);
create temp table referrer_sources as from read_csv('${seeds}/referrer_sources.csv', all_varchar = true);
create temp table click_ids as from read_csv('${seeds}/click_ids.csv', all_varchar = true);

-- A value that means "missing", as JSON.
set variable missing_value = (
    select
        ':"(?:[ ]|\\[tnr])*(?:'
        || string_agg(regexp_escape(replace(replace(missing_text[2:-2], '\', '\\'), '"', '\"')), '|')
        || ')(?:[ ]|\\[tnr])*"'
    from read_csv('${seeds}/missing_values.csv', all_varchar = true)
    where missing_for = 'everything'
);


-- Records, typed, each with the reason if it is no event.

create table work.records as
with parsed as (
    select *, case when payload_encoding = 'utf8' then canonical_json_object(payload) end as record_json
    from raw.web_events
),
opened as (
    select *, opened(record_json) as record_opened_json from parsed
),
readable as (
    select * exclude (record_opened_json), without_wrappers(record_opened_json) as record_read_json from opened
),
keyed as (
    select *, kinds(record_read_json) as record_kinds from readable
),
recognised as (
    select *, format_of(record_kinds) as record_format from keyed
),
-- An envelope: base64 text, or an object of no known format that holds base64 text in `data`.
enveloped as (
    select
        *,
        case
            when payload_encoding <> 'utf8' then null
            when record_json is null
                then trim(replace(replace(replace(payload, '"', ''), '\r', ''), '\n', ''), e' \t\n\r')
            when record_format is null and (has_key(record_kinds[30]) or has_key(record_kinds[31]))
                then coalesce(texts_at(record_json, ['/data'])[1], texts_at(record_json, ['/kinesis/data'])[1])
        end as envelope_data
    from recognised
),
decoded as (
    select *, case when envelope_data is not null then decoded(envelope_data) end as envelope_text from enveloped
),
unwrapped as (
    select
        *,
        case when envelope_data is null then record_json else canonical_json_object(envelope_text) end as event_json
    from decoded
),
event_opened as (
    select *, case when envelope_data is not null then opened(event_json) end as event_opened_json from unwrapped
),
event_readable as (
    select
        *,
        case when envelope_data is null then record_read_json else without_wrappers(event_opened_json) end as read_json
    from event_opened
),
event_keyed as (
    select *, case when envelope_data is null then record_kinds else kinds(read_json) end as event_kinds
    from event_readable
),
read as (
    select
        *,
        case when envelope_data is null then record_format else format_of(event_kinds) end as source_format,
        event_kinds[32] as batch_kind,
        regexp_replace(read_json, getvariable('missing_value'), ':null', 'g') as text_json
    from event_keyed
),
-- What each format calls a field stands at the same place in all of them.
texts as (
    select
        *,
        case source_format
            when 'nested' then lists_and_texts_at(text_json, [
                '/eventData/properties/products', '/eventData/properties/items', '/eventData/properties/url',
                '/eventData/properties/referrer', '/metadata/userAgent', '/eventData/properties/userAgent',
                '/metadata/deviceType', '/eventData/properties/deviceType', '/metadata/country',
                '/eventData/properties/country', '/eventData/properties/utm_source',
                '/eventData/properties/utm_medium', '/eventData/properties/utm_campaign',
                '/eventData/properties/utm_term', '/eventData/properties/utm_content',
                '/eventData/properties/spaceId', '/eventData/properties/spaceName', '/eventData/properties/spaceType',
                '/eventData/properties/roomId', '/eventData/properties/roomName', '/eventData/properties/community',
                '/eventData/properties/building', '/eventData/properties/floorplan',
                '/eventData/properties/coordinates/pitch', '/eventData/properties/coordinates/yaw',
                '/eventData/properties/coordinates/hfov', '/eventData/properties/productId',
                '/eventData/properties/product_id', '/eventData/properties/category',
                '/eventData/properties/quantity', '/eventData/properties/price', '/eventData/properties/revenue',
                '/eventData/properties/total', '/eventData/properties/value', '/eventData/properties/searchQuery',
                '/eventData/properties/search_query', '/eventTimestamp', '/timestamp', '/eventData/type',
                '/eventData/event', '/eventData/name', '/metadata/anonymousId', '/eventData/anonymousId',
                '/eventData/userId', '/metadata/sessionId', '/eventData/sessionId', '/eventData/properties/sessionId',
                '/_id', '/messageId', '/event_id', '/click_id'
            ])
            when 'legacy' then lists_and_texts_at(text_json, [
                '/properties/products', '/properties/items', '/properties/url', '/properties/referrer', '/userAgent',
                '/properties/userAgent', '/properties/deviceType', '/~', '/properties/country', '/~',
                '/properties/utm_source', '/properties/utm_medium', '/properties/utm_campaign',
                '/properties/utm_term', '/properties/utm_content', '/properties/spaceId', '/properties/spaceName',
                '/properties/spaceType', '/properties/roomId', '/properties/roomName', '/properties/community',
                '/properties/building', '/properties/floorplan', '/properties/coordinates/pitch',
                '/properties/coordinates/yaw', '/properties/coordinates/hfov', '/properties/productId',
                '/properties/product_id', '/properties/category', '/properties/quantity', '/properties/price',
                '/properties/revenue', '/properties/total', '/properties/value', '/properties/searchQuery',
                '/properties/search_query', '/timestamp', '/~', '/type', '/event', '/name', '/anonymousId', '/~',
                '/userId', '/sessionId', '/~', '/~', '/_id', '/messageId', '/event_id', '/click_id'
            ])
            when 'clickstream' then lists_and_texts_at(text_json, [
                '/products', '/items', '/page_url', '/referrer_url', '/user_agent', '/metadata/user_agent',
                '/device_type', '/~', '/metadata/country', '/country', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/metadata/product_id', '/product_id',
                '/metadata/category', '/metadata/quantity', '/metadata/price', '/metadata/revenue', '/metadata/total',
                '/metadata/value', '/metadata/search_query', '/search_query', '/event_timestamp', '/timestamp',
                '/event_type', '/~', '/~', '/~', '/~', '/user_id', '/session_id', '/~', '/~', '/_id', '/messageId',
                '/event_id', '/click_id', '/category', '/quantity', '/price', '/revenue', '/total', '/value',
                '/action'
            ])
            when 'commerce' then lists_and_texts_at(text_json, [
                '/products', '/items', '/page_url', '/referrer_url', '/user_agent', '/~', '/~', '/~', '/country',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/product_id', '/~', '/category', '/quantity', '/price', '/revenue', '/total', '/value',
                '/search_query', '/~', '/timestamp', '/~', '/event_type', '/~', '/~', '/~', '/~', '/user_id',
                '/session_id', '/~', '/~', '/_id', '/messageId', '/event_id', '/click_id'
            ])
            when 'web_shop' then lists_and_texts_at(text_json, [
                '/products', '/items', '/page', '/referrer', '/user_agent', '/~', '/device', '/~', '/country', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/product_id', '/~', '/category', '/quantity', '/price', '/revenue', '/total', '/value',
                '/search_query', '/~', '/timestamp', '/~', '/event_type', '/~', '/~', '/~', '/~', '/customer_id',
                '/session_id', '/~', '/~', '/_id', '/messageId', '/event_id', '/click_id'
            ])
            when 'segment' then lists_and_texts_at(text_json, [
                '/properties/products', '/properties/items', '/properties/url', '/properties/referrer',
                '/properties/userAgent', '/context/userAgent', '/properties/deviceType', '/context/device/type',
                '/properties/country', '/context/location/country', '/properties/utm_source',
                '/properties/utm_medium', '/properties/utm_campaign', '/properties/utm_term',
                '/properties/utm_content', '/properties/spaceId', '/properties/spaceName', '/properties/spaceType',
                '/properties/roomId', '/properties/roomName', '/properties/community', '/properties/building',
                '/properties/floorplan', '/properties/coordinates/pitch', '/properties/coordinates/yaw',
                '/properties/coordinates/hfov', '/properties/productId', '/properties/product_id',
                '/properties/category', '/properties/quantity', '/properties/price', '/properties/revenue',
                '/properties/total', '/properties/value', '/properties/query', '/properties/searchQuery',
                '/timestamp', '/originalTimestamp', '/type', '/event', '/name', '/anonymousId', '/anonymous_id',
                '/userId', '/sessionId', '/properties/sessionId', '/context/sessionId', '/messageId', '/message_id',
                '/_id', '/event_id', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/context/page/url',
                '/context_page_url', '/context/page/referrer', '/context_page_referrer', '/context_user_agent',
                '/context_device_type', '/context_location_country', '/context/campaign/source',
                '/context_campaign_source', '/context/campaign/medium', '/context_campaign_medium',
                '/context/campaign/name', '/context_campaign_name', '/context/campaign/term',
                '/context_campaign_term', '/context/campaign/content', '/context_campaign_content',
                '/properties/search_query', '/click_id', '/original_timestamp', '/sentAt', '/sent_at', '/receivedAt',
                '/received_at', '/user_id', '/context/session_id', '/context/ip', '/context_ip'
            ])
            when 'ga4' then lists_and_texts_at(text_json, [
                '/items', '/~', '/event_params/page_location', '/event_params/page_referrer', '/~', '/~',
                '/device/category', '/~', '/geo/country', '/~', '/collected_traffic_source/manual_source',
                '/collected_traffic_source/manual_medium', '/collected_traffic_source/manual_campaign_name',
                '/collected_traffic_source/manual_term', '/collected_traffic_source/manual_content', '/~', '/~', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/ecommerce/purchase_revenue', '/event_params/value', '/~', '/event_params/search_term', '/~',
                '/event_timestamp', '/timestamp', '/event_name', '/~', '/~', '/user_pseudo_id', '/~', '/user_id',
                '/event_params/ga_session_id', '/~', '/~', '/_id', '/messageId', '/event_id', '/click_id', '/~', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/event_params/source', '/~',
                '/event_params/medium', '/~', '/event_params/campaign', '/~', '/event_params/term', '/~',
                '/event_params/content'
            ])
            when 'snowplow' then lists_and_texts_at(text_json, [
                '/contexts_com_snowplowanalytics_snowplow_ecommerce_product_1', '/~', '/page_url', '/page_referrer',
                '/useragent', '/~', '/dvce_type', '/~', '/geo_country', '/~', '/mkt_source', '/mkt_medium',
                '/mkt_campaign', '/mkt_term', '/mkt_content', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/~', '/~', '/ti_sku', '/unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1/sku',
                '/ti_category', '/ti_quantity', '/ti_price',
                '/contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1/0/revenue', '/tr_total', '/~',
                '/unstruct_event_com_snowplowanalytics_snowplow_site_search_1/terms/0', '/~', '/derived_tstamp',
                '/dvce_created_tstamp', '/event',
                '/unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1/type',
                '/se_action', '/domain_userid', '/contexts_com_snowplowanalytics_snowplow_client_session_1/0/userId',
                '/user_id', '/domain_sessionid',
                '/contexts_com_snowplowanalytics_snowplow_client_session_1/0/sessionId', '/~', '/_id', '/messageId',
                '/event_id', '/click_id', '/unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1/category',
                '/unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1/quantity',
                '/unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1/unitPrice', '/~', '/~', '/~', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/~', '/~', '/collector_tstamp', '/etl_tstamp', '/timestamp', '/~', '/~', '/~', '/~',
                '/user_ipaddress', '/~', '/event_name', '/network_userid'
            ])
            when 'amplitude' then lists_and_texts_at(text_json, [
                '/event_properties/products', '/event_properties/items', '/event_properties/[Amplitude] Page URL',
                '/event_properties/referrer', '/user_agent', '/event_properties/user_agent', '/device_type',
                '/device_family', '/country', '/~', '/event_properties/utm_source', '/event_properties/utm_medium',
                '/event_properties/utm_campaign', '/event_properties/utm_term', '/event_properties/utm_content',
                '/event_properties/spaceId', '/event_properties/spaceName', '/event_properties/spaceType',
                '/event_properties/roomId', '/event_properties/roomName', '/~', '/~', '/~', '/~', '/~', '/~',
                '/event_properties/$productId', '/event_properties/product_id', '/event_properties/category',
                '/event_properties/$quantity', '/event_properties/$price', '/event_properties/$revenue',
                '/event_properties/revenue', '/event_properties/total', '/event_properties/search_query',
                '/event_properties/query', '/event_time', '/client_event_time', '/event_type', '/~', '/~',
                '/device_id', '/amplitude_id', '/user_id', '/session_id', '/~', '/~', '/$insert_id', '/uuid',
                '/insert_id', '/_id', '/~', '/event_properties/quantity', '/event_properties/price',
                '/event_properties/value', '/~', '/~', '/~', '/event_properties/page_url', '/event_properties/url',
                '/event_properties/[Amplitude] Referrer', '/event_properties/page_referrer', '/~', '/~', '/~',
                '/user_properties/utm_source', '/~', '/user_properties/utm_medium', '/~',
                '/user_properties/utm_campaign', '/~', '/user_properties/utm_term', '/~',
                '/user_properties/utm_content', '/~', '/~', '/messageId', '/server_received_time', '/timestamp', '/~',
                '/~', '/~', '/~', '/~', '/ip_address', '/~', '/~', '/~', '/event_id', '/click_id',
                '/event_properties/space_id', '/event_properties/space_name', '/event_properties/space_type',
                '/event_properties/room_id', '/event_properties/room_name', '/event_properties/productId'
            ])
            when 'rees46' then lists_and_texts_at(text_json, [
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~',
                '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/~', '/product_id', '/~', '/category_code',
                '/quantity', '/price', '/~', '/~', '/~', '/~', '/~', '/event_time', '/timestamp', '/event_type', '/~',
                '/~', '/~', '/~', '/user_id', '/user_session', '/~', '/~', '/_id', '/messageId', '/event_id',
                '/click_id', '/category_id'
            ])
        end as texts,
        json_keys(read_json, [
            '', '/properties', '/metadata', '/eventData', '/eventData/properties', '/context', '/event_properties',
            '/event_params'
        ]) as key_lists
    from read
),
typed as (
    select
        source, source_uri, source_etag, source_position, batch_id, loaded_at, payload, payload_encoding, parse_error,
        event_json, believable(source_modified_at, loaded_at) as source_modified_at,
        source_format, text_json,
        case
            when event_json is null
                then case
                    when regexp_matches(envelope_text, '^[ \t\r\n]*\[[ \t\r\n]*\{')
                        and canonical_json_object(concat_ws('', '{"x":', envelope_text, '}')) is not null
                        then 'several_events_in_envelope'
                    when regexp_matches(envelope_text, '^[ \t\r\n]*\{')
                        and canonical_json_object(concat_ws(
                            '', '{"x":[', regexp_replace(envelope_text, '\}[ \t\r\n]*\{', '},{', 'g'), ']}'
                        )) is not null
                        then 'several_events_in_envelope'
                    when regexp_matches(envelope_data, '^(H4sI|eAE|eF4|eJw|eNo|KLUv/|QlpoO|/Td6WFo|BCJNG|/wYAAHNOYVB|UEsDB|84mawg)')
                        then 'unsupported_envelope'
                end
            when source_format is null and batch_kind = 'ARRAY' then 'several_events_in_record'
        end as container_problem,
        keys_of(key_lists) as payload_keys,
        coalesce(
            set_counter(texts[48]), set_counter(texts[49]), set_counter(texts[50]), set_counter(texts[51]),
            set_counter(texts[77]), set_counter(texts[89]), set_counter(texts[90])
        ) as own_event_id,
        coalesce(
            texts[37], texts[38], texts[78], texts[79], texts[80], texts[81], texts[82],
            list_filter(
                texts_at(text_json, [
                    '/event_timestamp', '/eventTimestamp', '/event_time', '/eventTime', '/originalTimestamp', '/created_at',
                    '/time', '/ts', '/sentAt', '/receivedAt', '/collector_tstamp'
                ]),
                lambda text: text is not null
            )[1]
        ) as event_time,
        coalesce(texts[39], texts[58]) as event_type,
        coalesce(texts[40], texts[41], texts[87]) as event_name,
        coalesce(texts[42], texts[43], texts[88]) as anonymous_id,
        coalesce(texts[44], texts[83]) as user_id,
        coalesce(
            set_counter(texts[45]), set_counter(texts[46]), set_counter(texts[47]), set_counter(texts[84])
        ) as source_session_id,
        coalesce(texts[3], texts[59], texts[60]) as page_url,
        coalesce(texts[4], texts[61], texts[62]) as referrer_url,
        coalesce(texts[5], texts[6], texts[63]) as user_agent,
        coalesce(texts[85], texts[86]) as ip_address,
        coalesce(texts[7], texts[8], texts[64]) as source_device_type,
        coalesce(texts[9], texts[10], texts[65]) as source_country,
        coalesce(texts[11], texts[66], texts[67]) as utm_source,
        coalesce(texts[12], texts[68], texts[69]) as utm_medium,
        coalesce(texts[13], texts[70], texts[71]) as utm_campaign,
        coalesce(texts[14], texts[72], texts[73]) as utm_term,
        coalesce(texts[15], texts[74], texts[75]) as utm_content,
        coalesce(texts[16], texts[91]) as space_id,
        coalesce(texts[17], texts[92]) as space_name,
        coalesce(texts[18], texts[93]) as space_type,
        coalesce(texts[19], texts[94]) as room_id,
        coalesce(texts[20], texts[95]) as room_name,
        texts[21] as community,
        texts[22] as building,
        texts[23] as floorplan,
        to_double(texts[24]) as pitch,
        to_double(texts[25]) as yaw,
        to_double(texts[26]) as hfov,
        coalesce(texts[27], texts[28], texts[96]) as product_id,
        coalesce(texts[29], texts[52]) as category,
        to_whole_number(coalesce(texts[30], texts[53], case when source_format = 'rees46' then '1' end)) as quantity,
        to_money(coalesce(texts[31], texts[54])) as price,
        coalesce(texts[35], texts[36], texts[76]) as search_query,
        to_money(coalesce(texts[32], texts[33], texts[34], texts[55], texts[56], texts[57])) as order_value,
        case
            when coalesce(texts[1], texts[2]) is not null
                then list_transform(
                    list_transform(
                        list_filter(
                            list_transform(
                                list_filter([texts[1], texts[2]], lambda list: starts_with(list, '[')),
                                lambda list: list_filter(
                                    json_extract(list, '$[*]'), lambda element: json_type(element) = 'OBJECT'
                                )
                            ),
                            lambda objects: len(objects) > 0
                        )[1],
                        lambda line: texts_at(line, [
                            '/product_id', '/productId', '/item_id', '/sku', '/id', '/category', '/item_category', '/name',
                            '/item_name', '/price', '/item_price', '/unitPrice', '/quantity'
                        ])
                    ),
                    lambda t: struct_pack(
                        product_id := coalesce(t[1], t[2], t[3], t[4], t[5]),
                        category := coalesce(t[6], t[7]),
                        name := coalesce(t[8], t[9]),
                        price := to_money(coalesce(t[10], t[11], t[12])),
                        quantity := cast(case
                            when t[13] is not null then to_whole_number(t[13])
                            when to_money(coalesce(t[10], t[11], t[12])) is not null then 1
                        end as bigint)
                    )
                )
        end as lines
    from texts
),
with_other_times as (
    select
        *,
        case
            when event_time is null and list_has_any(json_type(text_json, [
                '/client_event_time', '/collector_tstamp', '/created_at', '/derived_tstamp', '/dvce_created_tstamp',
                '/etl_tstamp', '/event_time', '/event_timestamp', '/eventTime', '/eventTimestamp',
                '/original_timestamp', '/originalTimestamp', '/received_at', '/receivedAt', '/sent_at', '/sentAt',
                '/server_received_time', '/time', '/timestamp', '/ts'
            ]), ['OBJECT', 'ARRAY']) then true
            else false
        end as has_other_time
    from typed
),
timed as (
    select
        *,
        case
            when event_time is not null then to_timestamp_of(event_time)
            when not has_other_time then source_modified_at
        end as event_timestamp
    from with_other_times
),
judged as (
    select
        *,
        coalesce(anonymous_id, user_id) as visitor_id,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when container_problem is not null then container_problem
            when event_json is null then 'not_json_object'
            when source_format is null then 'unknown_format'
            when visitor_id is null then 'no_visitor_id'
            when greatest(length(anonymous_id), length(user_id), length(own_event_id)) > 1024 then 'identifier_too_long'
            when event_timestamp is null then 'unreadable_timestamp'
            when event_timestamp > source_modified_at + interval 24 hour then 'future_event'
            when event_timestamp < timestamp '2000-01-01' then 'before_2000'
        end as rejection_reason
    from timed
)
select
    * exclude (
        payload, payload_encoding, parse_error, event_json, text_json, container_problem, own_event_id, event_time,
        has_other_time, event_timestamp, pitch, yaw, hfov, lines
    ),
    case when rejection_reason is not null then payload end as payload,
    case when rejection_reason is not null then payload_encoding end as payload_encoding,
    case when rejection_reason is not null then parse_error end as parse_error,
    case
        when rejection_reason is null
            then coalesce(own_event_id, md5(concat_ws('', event_json, '|', cast(epoch_us(event_timestamp) as varchar))))
    end as event_id,
    own_event_id is not null as has_own_id,
    case when rejection_reason is null then event_timestamp end as event_timestamp,
    case when rejection_reason is null then cast(event_timestamp as date) end as event_date,
    case when event_time is null and not has_other_time then 'arrival' else 'event' end as timestamp_source,
    case
        when page_url is not null
            then coalesce(nullif(regexp_replace(
                regexp_replace(page_url, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*', ''), '[?#][\s\S]*\z', ''
            ), ''), '/')
    end as page_path,
    case
        when coalesce(pitch, yaw, hfov) is not null then struct_pack(pitch := pitch, yaw := yaw, hfov := hfov)
    end as coordinates,
    coalesce(lines, []) as product_lines
from judged;

-- Objects of which a newer version was loaded.
create temp table superseded_objects as
with versions as (
    select
        source_uri,
        source_etag,
        max(believable(source_modified_at, loaded_at)) as source_modified_at
    from raw.load_batches
    where dataset = 'web_events'
    group by all
)
select source_uri, source_etag
from versions
qualify row_number() over (partition by source_uri order by source_modified_at desc, source_etag desc) > 1;

copy (
    select
        payload, payload_encoding, parse_error, source, source_uri, source_etag, source_position, source_modified_at,
        batch_id, loaded_at, rejection_reason
    from work.records
    anti join superseded_objects using (source_uri, source_etag)
    where rejection_reason is not null
) to '${out}/rejected_events.parquet' (compression zstd);

copy (
    with key_sets as (
        select
            coalesce(source_format, 'unknown') as source_format,
            payload_keys,
            min((source_modified_at, source_uri)) as first_seen,
            count(*) as record_count
        from work.records
        where payload_keys is not null
        group by all
    )
    select
        source_format,
        payload_key,
        min(first_seen)[1] as first_seen_at,
        min(first_seen)[2] as first_source_uri,
        cast(sum(record_count) as bigint) as record_count
    from key_sets
    cross join unnest(split(payload_keys, chr(10))) as exploded (payload_key)
    group by all
) to '${out}/schema_drift.parquet' (compression zstd);


-- One row for each event, and its session.

create table work.visits as
with current_copies as (
    select
        records.rowid as record_number, event_id, visitor_id, event_date, event_timestamp, source_modified_at,
        source_uri, source_position
    from work.records
    anti join superseded_objects using (source_uri, source_etag)
    where rejection_reason is null
),
-- The greatest copy of neighbouring days stays.
with_next_copy as (
    select
        *,
        lead(event_date) over (
            partition by event_id, visitor_id order by event_timestamp, source_modified_at, source_uri, source_position
        ) as next_copy_date
    from current_copies
),
with_starts as (
    select
        record_number, event_id, visitor_id, event_timestamp,
        coalesce(event_timestamp > lag(event_timestamp) over visit + interval 30 minute, true) as is_session_start
    from with_next_copy
    where next_copy_date is null or next_copy_date > event_date + 1
    window visit as (partition by visitor_id order by event_timestamp, event_id)
),
with_sessions as (
    select
        *,
        max(case when is_session_start then event_timestamp end) over (
            partition by visitor_id order by event_timestamp, event_id rows unbounded preceding
        ) as session_start_at
    from with_starts
)
select
    record_number,
    is_session_start,
    cast(session_start_at as date) as session_date,
    md5(concat_ws('', visitor_id, '|', cast(epoch_us(session_start_at) as varchar))) as session_id
from with_sessions;

copy (
    with counted as (
        select
            records.batch_id,
            records.source,
            count(*) as raw_records,
            count(visits.record_number) as events,
            count(*) filter (
                rejection_reason is null and superseded_objects.source_uri is null and visits.record_number is null
            ) as duplicates,
            count(*) filter (rejection_reason is not null and superseded_objects.source_uri is null) as rejected,
            count(superseded_objects.source_uri) as superseded
        from work.records
        left join superseded_objects using (source_uri, source_etag)
        left join work.visits on records.rowid = visits.record_number
        group by all
    )
    select
        load_date,
        source,
        cast(sum(raw_records) as bigint) as raw_records,
        cast(sum(events) as bigint) as events,
        cast(sum(duplicates) as bigint) as duplicates,
        cast(sum(rejected) as bigint) as rejected,
        cast(sum(superseded) as bigint) as superseded
    from counted
    inner join (select distinct batch_id, cast(loaded_at as date) as load_date from raw.load_batches) using (batch_id)
    group by all
) to '${out}/load_reconciliation.parquet' (compression zstd);


-- User agents, each classified once.

create temp macro rules(what) as table
    select *, cast(priority as integer) as place
    from read_csv('${seeds}/user_agent_' || what || '.csv', all_varchar = true);

create temp macro found(agent, pattern) as
    case when regexp_matches(pattern, '[(][^?]') then nullif(regexp_extract(agent, pattern, 1), '') end;

create temp table agents as
with agents as (
    select distinct user_agent, lower(substr(user_agent, 1, 2000)) as agent
    from work.records where rejection_reason is null and user_agent is not null
),
bots as (
    select user_agent, arg_min(rules, place) as rule
    from agents inner join (from rules('bots')) as rules
        on regexp_matches(agent, pattern) and coalesce(not regexp_matches(agent, unless), true)
    group by user_agent
),
browsers as (
    select user_agent, arg_min(rules, place) as rule
    from agents inner join (from rules('browsers')) as rules
        on regexp_matches(agent, pattern) and coalesce(not regexp_matches(agent, unless), true)
    group by user_agent
),
systems as (
    select user_agent, arg_min(rules, place) as rule
    from agents inner join (from rules('systems')) as rules
        on regexp_matches(agent, pattern) and coalesce(not regexp_matches(agent, unless), true)
    group by user_agent
),
devices as (
    select user_agent, arg_min(rules, place) as rule
    from agents inner join (from rules('devices')) as rules
        on regexp_matches(agent, pattern) and coalesce(not regexp_matches(agent, unless), true)
    group by user_agent
),
described as (
    select
        agents.user_agent,
        agent,
        bots.rule is not null as is_bot_agent,
        bots.rule.bot_name as known_bot_name,
        found(agent, bots.rule.pattern) as found_bot_name,
        browsers.rule.browser as browser,
        found(agent, browsers.rule.pattern) as browser_version_major,
        systems.rule.os as os,
        coalesce(systems.rule.os_version_major, found(agent, systems.rule.pattern)) as os_version_major,
        devices.rule.device_type as device_type
    from agents
    left join bots using (user_agent)
    left join browsers using (user_agent)
    left join systems using (user_agent)
    left join devices using (user_agent)
)
select
    user_agent,
    case when not is_bot_agent then browser end as browser,
    case when not is_bot_agent then browser_version_major end as browser_version_major,
    case when not is_bot_agent then os end as os,
    case when not is_bot_agent then os_version_major end as os_version_major,
    case when is_bot_agent then 'bot' else coalesce(device_type, 'other') end as device_type,
    is_bot_agent,
    coalesce(
        known_bot_name,
        nullif(trim(substr(user_agent, strpos(agent, found_bot_name), length(found_bot_name)), e' \t\n\r'), '')
    ) as bot_name
from described;

copy agents to '${out}/dim_user_agents.parquet' (compression zstd);


-- What an event means.

create table work.enriched as
with joined as (
    select
        visits.*,
        records.*,
        coordinates.pitch is not null and coordinates.yaw is not null as has_direction,
        case when contains(page_url, '?') then nullif(regexp_extract(page_url, '^[^?#]*[?]([^#]*)', 1), '') end
            as page_query,
        url_host(referrer_url) as referring_host,
        coalesce(
            by_both.event_action,
            case when records.event_name is null then by_type.event_action end,
            by_name.event_action,
            by_type.event_action
        ) as named_action,
        case
            when named_action in ('page_view', 'screen_view', 'space_view') and room_id is not null then 'room_view'
            when named_action = 'page_view' and space_id is not null then 'space_view'
            else named_action
        end as event_action,
        browser,
        os,
        coalesce(agents.device_type, lower(source_device_type)) as device_type,
        coalesce(is_bot_agent, false) as is_bot_agent,
        country_code as country
    from work.visits
    inner join work.records on visits.record_number = records.rowid
    left join event_actions as by_both
        on by_both.event_type = spelling(records.event_type) and by_both.event_name = spelling(records.event_name)
    left join event_actions as by_name
        on by_name.event_type is null
        and by_name.event_name = coalesce(spelling(records.event_name), spelling(records.event_type))
    left join event_actions as by_type
        on by_type.event_name is null and by_type.event_type = spelling(records.event_type)
    left join agents on records.user_agent = agents.user_agent
    left join countries on lower(source_country) = spelling
),
with_lines as (
    select
        *,
        len(product_lines) > 0 as has_list,
        not has_list and (product_id is not null or price is not null) as is_line,
        case
            when event_action = 'purchase'
                then coalesce(
                    case
                        when not has_list and price is not null
                            then coalesce(try_cast(price * quantity as decimal(18, 2)), 0)
                        else try_cast(list_sum([
                            coalesce(try_cast(line.price * line.quantity as decimal(18, 2)), 0)
                            for line in product_lines if line.price is not null
                        ]) as decimal(18, 2))
                    end,
                    order_value,
                    0
                )
        end as revenue,
        case when has_list then len(product_lines) when is_line then 1 else 0 end as line_count,
        case
            when has_list then len([1 for line in product_lines if line.product_id is not null])
            when is_line and product_id is not null then 1
            else 0
        end > 0 as has_product_id,
        case
            when has_list then len([1 for line in product_lines if line.price > 0])
            when is_line and price > 0 then 1
            else 0
        end as priced_line_count,
        case
            when has_list then len([1 for line in product_lines if line.quantity > 0])
            when is_line and quantity > 0 then 1
            else 0
        end as counted_line_count
    from joined
),
-- The weight that each rule has for an event of its kind.
weighed as (
    select
        *,
        case when event_action in ('page_view', 'product_view', 'product_list_view', 'space_view') then 1 else 0 end
            as page_weight,
        case when event_action in ('space_view', 'room_view') then 2 else 0 end as space_weight,
        case when event_action = 'room_view' then 1 else 0 end as coordinates_weight,
        case when event_action in ('product_view', 'add_to_cart', 'remove_from_cart', 'purchase') then 2 else 0 end
            as product_weight,
        case when event_action = 'purchase' then 2 else 0 end as price_weight,
        case when event_action in ('add_to_cart', 'purchase') then 1 else 0 end as quantity_weight,
        timestamp_source = 'event' as has_own_time,
        event_timestamp <= source_modified_at + interval 5 minute as time_is_plausible,
        event_timestamp >= source_modified_at - interval 72 hour as arrived_in_time,
        line_count > 0 and coalesce(priced_line_count = line_count, false) as has_price,
        line_count > 0 and coalesce(counted_line_count = line_count, false) as has_quantity
    from with_lines
)
select
    record_number, session_id, session_date, is_session_start, visitor_id, event_id, event_timestamp, event_date,
    anonymous_id, user_id, event_action, page_path,
    page_url is not null or referrer_url is not null as has_origin,
    case when referring_host is distinct from url_host(page_url) then referring_host end as referrer_host,
    lower(coalesce(parameter(page_query, 'utm_source'), utm_source)) as utm_source,
    lower(coalesce(parameter(page_query, 'utm_medium'), utm_medium)) as utm_medium,
    coalesce(parameter(page_query, 'utm_campaign'), utm_campaign) as utm_campaign,
    coalesce(parameter(page_query, 'utm_term'), utm_term) as utm_term,
    coalesce(parameter(page_query, 'utm_content'), utm_content) as utm_content,
    case
        when contains(page_query, 'gclid=') and regexp_matches(page_query, '(?:^|&)gclid=[^&]') then 'gclid'
        when contains(page_query, 'gbraid=') and regexp_matches(page_query, '(?:^|&)gbraid=[^&]') then 'gbraid'
        when contains(page_query, 'wbraid=') and regexp_matches(page_query, '(?:^|&)wbraid=[^&]') then 'wbraid'
        when contains(page_query, 'dclid=') and regexp_matches(page_query, '(?:^|&)dclid=[^&]') then 'dclid'
        when contains(page_query, 'msclkid=') and regexp_matches(page_query, '(?:^|&)msclkid=[^&]') then 'msclkid'
        when contains(page_query, 'ttclid=') and regexp_matches(page_query, '(?:^|&)ttclid=[^&]') then 'ttclid'
        when contains(page_query, 'fbclid=') and regexp_matches(page_query, '(?:^|&)fbclid=[^&]') then 'fbclid'
        when contains(page_query, 'li_fat_id=') and regexp_matches(page_query, '(?:^|&)li_fat_id=[^&]') then 'li_fat_id'
        when contains(page_query, 'twclid=') and regexp_matches(page_query, '(?:^|&)twclid=[^&]') then 'twclid'
        when contains(page_query, 'igshid=') and regexp_matches(page_query, '(?:^|&)igshid=[^&]') then 'igshid'
    end as click_id_type,
    device_type, browser, os, is_bot_agent, country,
    space_id is not null as has_space,
    has_product_id, revenue,
    case when event_action in ('purchase', 'lead') then event_action end as conversion_goal,
    case when event_action in ('purchase', 'lead') then revenue end as conversion_value,
    ratio(
        has_own_id::int + 2 * has_own_time::int + time_is_plausible::int + arrived_in_time::int
        + (user_agent is not null)::int + (source_session_id is not null)::int
        + page_weight * (page_url is not null)::int
        + space_weight * (space_id is not null)::int
        + coordinates_weight * coalesce(has_direction, false)::int
        + product_weight * has_product_id::int
        + price_weight * has_price::int
        + quantity_weight * has_quantity::int,
        7 + page_weight + space_weight + coordinates_weight + product_weight + price_weight + quantity_weight
    ) as data_quality_score,
    concat_ws(
        ',',
        case when not has_own_id then 'has_own_id' end,
        case when not has_own_time then 'has_own_time' end,
        case when not time_is_plausible then 'time_is_plausible' end,
        case when not arrived_in_time then 'arrived_in_time' end,
        case when user_agent is null then 'has_user_agent' end,
        case when source_session_id is null then 'has_source_session' end,
        case when page_weight > 0 and page_url is null then 'has_page' end,
        case when space_weight > 0 and space_id is null then 'has_space' end,
        case when coordinates_weight > 0 and not coalesce(has_direction, false) then 'has_coordinates' end,
        case when product_weight > 0 and not has_product_id then 'has_product' end,
        case when price_weight > 0 and not has_price then 'has_price' end,
        case when quantity_weight > 0 and not has_quantity then 'has_quantity' end
    ) as failed_rules
from weighed;


-- Where a session came from: where its first event with a page or a referrer did.

create table work.session_sources as
with first_events as (
    select * from (
        select unnest(arg_min(
            struct_pack(utm_source, utm_medium, utm_campaign, utm_term, utm_content, click_id_type, referrer_host),
            (event_timestamp, event_id)
        )), session_id
        from work.enriched
        where has_origin
        group by session_id
    )
),
hosts as (
    select referrer_host as host from first_events where referrer_host is not null
    union
    select utm_source from first_events where utm_source is not null
),
-- The longest name that the seed has: mail.google.com before google.com.
host_kinds as (
    select host, arg_max(source_kind, length(known_as)) as source_kind
    from (
        select host, unnest([
            host,
            nullif(regexp_extract(host, '[.]((?:[^.]+[.]){3}[^.]+)$', 1), ''),
            nullif(regexp_extract(host, '[.]((?:[^.]+[.]){2}[^.]+)$', 1), ''),
            nullif(regexp_extract(host, '[.]((?:[^.]+[.]){1}[^.]+)$', 1), '')
        ]) as known_as
        from hosts
    ) as names
    inner join (select host as known_as, source_kind from referrer_sources) using (known_as)
    group by host
),
with_kinds as (
    select
        first_events.*,
        coalesce(source_kinds.source_kind, source_host_kinds.source_kind) as utm_source_kind,
        referrer_kinds.source_kind as referrer_kind,
        click_ids.source_kind as click_id_kind,
        coalesce(case when utm_source is null then referrer_kind else utm_source_kind end, click_id_kind) as paid_kind,
        [utm_source_kind, referrer_kind, click_id_kind] as kinds,
        click_id_type in ('gclid', 'gbraid', 'wbraid', 'dclid', 'msclkid') as is_ad_click,
        utm_medium in ('cpc', 'ppc', 'cpv', 'retargeting') or starts_with(utm_medium, 'paid') as is_paid_medium
    from first_events
    left join (select distinct source, source_kind from referrer_sources) as source_kinds
        on utm_source = source_kinds.source
    left join host_kinds as source_host_kinds on utm_source = source_host_kinds.host
    left join host_kinds as referrer_kinds on referrer_host = referrer_kinds.host
    left join click_ids using (click_id_type)
)
select
    session_id, utm_source, utm_medium, utm_campaign, utm_term, utm_content, click_id_type, referrer_host,
    case
        when (is_ad_click or is_paid_medium) and paid_kind = 'search' then 'Paid Search'
        when (is_ad_click or is_paid_medium) and paid_kind = 'social' then 'Paid Social'
        when (is_ad_click or is_paid_medium) and paid_kind = 'video' then 'Paid Video'
        when (is_ad_click or is_paid_medium) and paid_kind = 'shopping' then 'Paid Shopping'
        when is_ad_click and paid_kind in ('email', 'ai_assistant') then 'Paid Other'
        when click_id_type = 'dclid' then 'Display'
        when is_ad_click then 'Paid Search'
        when is_paid_medium then 'Paid Other'
        when utm_medium in ('display', 'banner', 'cpm') then 'Display'
        when utm_medium in ('email', 'e-mail', 'newsletter') or utm_source in ('email', 'e-mail', 'newsletter') then 'Email'
        when 'email' in kinds then 'Email'
        when utm_medium in ('affiliate', 'affiliates') then 'Affiliates'
        when utm_medium = 'sms' or utm_source = 'sms' then 'SMS'
        when utm_medium in ('push', 'web_push') or utm_source in ('push', 'web_push') then 'Mobile Push Notifications'
        when utm_medium = 'organic' then 'Organic Search'
        when utm_medium in ('social', 'social-network', 'social-media', 'sm') then 'Organic Social'
        when utm_medium = 'video' then 'Organic Video'
        when 'ai_assistant' in kinds then 'AI Assistants'
        when 'search' in kinds then 'Organic Search'
        when 'social' in kinds then 'Organic Social'
        when 'video' in kinds then 'Organic Video'
        when 'shopping' in kinds then 'Organic Shopping'
        when referrer_host is not null or utm_medium = 'referral' then 'Referral'
        when coalesce(utm_source, utm_medium, utm_campaign, utm_term, utm_content) is not null then 'Unassigned'
        else 'Direct'
    end as channel
from with_kinds;

create table work.sessions as
with ordered as (
    select
        session_id, session_date, visitor_id, anonymous_id, user_id, event_timestamp, event_action, revenue,
        conversion_goal, page_path, device_type, country, has_space, has_product_id, is_bot_agent,
        row_number() over session_events as place,
        lead(event_timestamp) over session_events as next_event_timestamp,
        epoch_us(next_event_timestamp) - epoch_us(event_timestamp) as gap_microseconds
    from work.enriched
    window session_events as (partition by session_id order by event_timestamp, event_id)
),
counted as (
    select
        session_id,
        visitor_id,
        session_date,
        max(anonymous_id) as anonymous_id,
        arg_max(user_id, place) as user_id,
        min(event_timestamp) as session_start_at,
        max(event_timestamp) as session_end_at,
        count(*) as event_count,
        count(*) filter (event_action in ('page_view', 'screen_view', 'space_view')) as page_view_count,
        count(*) filter (event_action = 'search') as search_count,
        count(*) filter (event_action = 'purchase') as purchase_count,
        total(sum(revenue)) as revenue,
        count(conversion_goal) as conversion_count,
        min(event_timestamp) filter (event_action = 'sign_up') as signed_up_at,
        arg_min(page_path, place) as entry_page,
        arg_max(page_path, place) as exit_page,
        max(event_action) filter (place = 1) as first_event_action,
        max(event_action) filter (next_event_timestamp is null) as last_event_action,
        arg_min(device_type, place) as device_type,
        arg_min(country, place) as country,
        bool_or(has_space) as has_space,
        bool_or(has_product_id) as has_product,
        bool_or(is_bot_agent) as has_bot_agent,
        epoch_us(max(event_timestamp)) - epoch_us(min(event_timestamp)) as microseconds,
        min(gap_microseconds) as least_gap_microseconds,
        max(gap_microseconds) as greatest_gap_microseconds,
        cast(coalesce(sum(case when gap_microseconds > 60000000 then 60000000 else gap_microseconds end), 0) as bigint)
            as engaged_microseconds
    from ordered
    group by session_id, visitor_id, session_date
),
judged as (
    select
        *,
        case
            when has_bot_agent then 'user_agent'
            when event_count >= 30
                and event_count * 1000000 > 5 * case when microseconds = 0 then 1000000 else microseconds end
                then 'event_rate'
            when event_count > 20
                and least_gap_microseconds > 0
                and greatest_gap_microseconds - least_gap_microseconds <= 20000
                then 'regular_pace'
            when microseconds > cast(12 as bigint) * 3600000000 and event_count > 1000 then 'endless'
        end as bot_reason
    from counted
)
select
    session_id, visitor_id, anonymous_id, user_id, session_start_at, session_end_at, session_date,
    row_number() over (partition by visitor_id order by session_start_at) as session_number,
    date_sub('second', session_start_at, session_end_at) as duration_seconds,
    event_count, page_view_count, search_count, purchase_count, signed_up_at, revenue, entry_page, exit_page,
    first_event_action, last_event_action,
    coalesce(channel, 'Direct') as channel,
    utm_source, utm_medium, utm_campaign, utm_term, utm_content, click_id_type, referrer_host, device_type, country,
    event_count = 1 as is_bounce,
    conversion_count > 0 as is_converted,
    microseconds >= 10000000 or conversion_count > 0 or page_view_count >= 2 as is_engaged,
    bot_reason is not null as is_bot,
    bot_reason,
    case
        when has_space and has_product then 'tour_and_shop'
        when has_space then 'tour'
        when has_product then 'shop'
        else 'browse'
    end as journey_type,
    case
        when event_count = 1 then 'bounce'
        when event_count >= 20 or microseconds >= 600000000 then 'high'
        when event_count >= 5 or microseconds >= 60000000 then 'medium'
        else 'low'
    end as engagement_tier,
    cast(((2 * cast(engaged_microseconds as hugeint) * 100 + 1000000) // 2000000) / 100 as decimal(18, 2))
        as engaged_seconds
from judged
left join work.session_sources using (session_id);

copy work.sessions to '${out}/fct_sessions.parquet' (compression zstd);

copy (
    select
        records.event_id, records.event_timestamp, records.event_date, timestamp_source, event_type, event_name,
        event_action, source_format, records.anonymous_id, records.user_id, records.visitor_id, enriched.session_id,
        enriched.session_date, source_session_id, is_session_start, page_url, records.page_path, referrer_url,
        enriched.referrer_host, enriched.utm_source, enriched.utm_medium, enriched.utm_campaign, enriched.utm_term,
        enriched.utm_content, enriched.click_id_type, channel, user_agent, enriched.device_type, browser, os,
        ip_address, enriched.country, source_device_type, source_country, space_id, space_name, space_type, room_id, room_name,
        community, building, floorplan, coordinates, product_id, category, quantity, price, enriched.revenue,
        product_lines, conversion_goal, conversion_value, search_query, data_quality_score, failed_rules, is_bot,
        bot_reason, source, source_uri, source_position, batch_id, loaded_at
    from work.enriched
    inner join work.records on enriched.record_number = records.rowid
    inner join work.sessions on enriched.session_id = sessions.session_id
) to '${out}/fct_web_events.parquet' (compression zstd);

create view events as from '${out}/fct_web_events.parquet';


-- Dimensions and marts.

copy (
    select
        event_id, visitor_id, cast(list_position - 1 as integer) as line_number, event_date, event_timestamp,
        event_action, session_id, line.product_id, line.name, line.category, line.price, line.quantity, is_bot
    from (
        select *, unnest(product_lines) as line, generate_subscripts(product_lines, 1) as list_position
        from events
    )
    union all
    select
        event_id, visitor_id, 0, event_date, event_timestamp, event_action, session_id, product_id, null, category,
        price, quantity, is_bot
    from events
    where len(product_lines) = 0 and (product_id is not null or price is not null)
) to '${out}/fct_event_products.parquet' (compression zstd);

create view lines as from '${out}/fct_event_products.parquet';

create temp table visitors as
select
    visitor_id,
    coalesce(arg_max(user_id, session_number), visitor_id) as person_id,
    max(anonymous_id) as anonymous_id,
    arg_max(user_id, session_number) as user_id,
    min(session_start_at) as first_seen_at,
    max(session_end_at) as last_seen_at,
    count(*) as session_count,
    max(channel) filter (session_number = 1) as first_channel,
    arg_min(device_type, session_number) as first_device_type,
    arg_min(country, session_number) as country,
    total(sum(revenue)) as lifetime_revenue
from work.sessions
group by visitor_id;

copy visitors to '${out}/dim_visitors.parquet' (compression zstd);

copy (
    with of_devices as (
        select
            coalesce(sessions.user_id, person_id) as person_id,
            device_type,
            min(session_start_at) as first_seen,
            max(session_end_at) as last_seen,
            min(signed_up_at) as signed_up_at,
            min((session_start_at, sessions.country)) filter (sessions.country is not null) as country,
            count(*) as session_count,
            sum(revenue) as revenue
        from work.sessions
        inner join visitors using (visitor_id)
        group by all
    )
    select
        person_id,
        min(country)[2] as country,
        cast(min(signed_up_at) as date) as signup_date,
        min((-session_count, device_type)) filter (device_type is not null)[2] as device_preferences,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen,
        cast(sum(session_count) as bigint) as session_count,
        total(sum(revenue)) as lifetime_revenue
    from of_devices
    group by person_id
) to '${out}/dim_users.parquet' (compression zstd);

copy (
    with days as (
        select
            event_date,
            coalesce(space_id, '(unknown)') as space_id,
            max(space_name) as space_name,
            max(space_type) as space_type,
            max(community) as community,
            max(building) as building,
            max(floorplan) as floorplan,
            min(event_timestamp) as first_seen_at,
            max(event_timestamp) as last_seen_at
        from events
        where space_id is not null or event_action = 'room_view'
        group by all
    )
    select
        space_id,
        arg_max(space_name, event_date) as space_name,
        arg_max(space_type, event_date) as space_type,
        arg_max(community, event_date) as community,
        arg_max(building, event_date) as building,
        arg_max(floorplan, event_date) as floorplan,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at
    from days
    group by space_id
) to '${out}/dim_spaces.parquet' (compression zstd);

create temp table funnel as
select
    product_id,
    max(category) as category,
    count(*) filter (event_action in ('page_view', 'product_view')) as views,
    count(*) filter (event_action = 'add_to_cart') as add_to_carts,
    count(*) filter (event_action = 'purchase') as purchases,
    ratio(add_to_carts, views) as view_to_cart_conversion,
    ratio(purchases, views) as view_to_purchase_conversion,
    ratio(purchases, add_to_carts) as cart_to_purchase_conversion
from lines
where product_id is not null and not is_bot
group by product_id;

copy funnel to '${out}/conversion_funnel.parquet' (compression zstd);

copy (
    select
        cast(row_number() over (order by views desc, product_id) as integer) as rank,
        product_id,
        category,
        views as view_count
    from funnel
    where views > 0
    order by rank
    limit 10
) to '${out}/top_products.parquet' (compression zstd);

copy (
    select
        event_date,
        cast(extract(hour from event_timestamp) as integer) as event_hour,
        total(sum(revenue)) as total_revenue,
        count(*) as transaction_count
    from events
    where event_action = 'purchase' and not is_bot
    group by all
) to '${out}/hourly_revenue.parquet' (compression zstd);

copy (
    select event_date, category, count(*) as event_count
    from (
        select event_date, event_id, visitor_id, category from events where category is not null and not is_bot
        union
        select event_date, event_id, visitor_id, category from lines
        where category is not null and not is_bot
    )
    group by all
) to '${out}/category_performance.parquet' (compression zstd);

copy (
    with days as (
        select distinct event_date, visitor_id, user_id from events where not is_bot
    ),
    persons as (
        select
            event_date,
            visitor_id,
            coalesce(days.user_id, visitors.person_id) as person_id,
            min(event_date) over (partition by visitor_id) as first_date
        from days
        inner join visitors using (visitor_id)
    ),
    of_days as (
        select
            event_date,
            count(distinct visitor_id) as unique_users,
            count(distinct visitor_id) filter (event_date = first_date) as new_users,
            count(distinct person_id) as unique_persons
        from persons
        group by event_date
    ),
    sessions_of_days as (
        select event_date, count(distinct session_id) as unique_sessions
        from events
        where not is_bot
        group by event_date
    )
    select
        event_date, unique_users, unique_sessions, new_users, unique_users - new_users as returning_users,
        unique_persons
    from of_days
    inner join sessions_of_days using (event_date)
) to '${out}/user_activity.parquet' (compression zstd);
