{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'batch_id'},
    )
}}
-- depends_on: {{ ref('int_loaded_objects') }}
-- depends_on: {{ ref('missing_values') }}
{%- set missing = missing_texts() %}
{%- set fields = event_fields(missing) %}
{%- set objects = event_objects() %}
{%- set time_keys = event_time_keys() %}

with

records as (

    select * from {{ source('raw', 'web_events') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}

),

-- The record as canonical JSON; null when it is no JSON object by itself.
parsed as (

    select
        *,
        case when payload_encoding = 'utf8' then {{ canonical_json_object('payload') }} end as record_json
    from records

),

opened as (

    select
        *,
        {{ opened_json('record_json', objects, time_keys) }} as record_opened_json
    from parsed

),

readable as (

    select
        *,
        {{ unwrapped_json('record_opened_json') }} as record_read_json
    from opened

),

keyed as (

    select
        *,
        {{ event_format_name('record_kinds') }} as record_format
    from (
        select
            *,
            {{ json_kinds('record_read_json', event_format_keys()) }} as record_kinds
        from readable
    ) as kinds

),

-- A Kinesis envelope: base64 text, or an object of no known format that holds base64 text in `data`.
enveloped as (

    select
        *,
        case
            when payload_encoding <> 'utf8' then null
            when record_json is null then {{ bare_envelope('payload') }}
            when record_format is null and {{ has_any_key('record_kinds', ['data', 'kinesis.data']) }}
                then {{ envelope_in('record_json') }}  -- noqa: PRS
        end as envelope_data
    from keyed

),

decoded as (

    select
        *,
        case when envelope_data is not null then {{ decode_base64('envelope_data') }} end as envelope_text
    from enveloped

),

unwrapped as (

    select
        *,
        case
            when envelope_data is null then record_json
            else {{ canonical_json_object('envelope_text') }}
        end as event_json
    from decoded

),

event_opened as (

    select
        *,
        case when envelope_data is not null then {{ opened_json('event_json', objects, time_keys) }} end
            as event_opened_json
    from unwrapped

),

read as (

    select
        *,
        case
            when envelope_data is null then record_read_json
            else {{ unwrapped_json('event_opened_json') }}
        end as read_json
    from event_opened

),

recognised as (

    select
        *,
        {{ json_without('read_json', missing.everything) }} as text_json,
        case when envelope_data is null then record_format else {{ event_format_name('event_kinds') }} end
            as source_format,
        case
            when envelope_data is null then {{ kind_of_key('record_kinds', 'batch') }}
            else {{ kind_of_key('event_kinds', 'batch') }}
        end as batch_kind
    from (
        select
            *,
            case when envelope_data is not null then {{ json_kinds('read_json', event_format_keys()) }} end
                as event_kinds
        from read
    ) as kinds

),

texts as (

    select
        *,
        {{ event_texts('text_json') }} as texts,  -- noqa: PRS, LT02
        {{ json_keys('read_json', event_containers()) }} as key_lists
    from recognised

),

extracted as (

    select
        source,
        source_uri,
        source_etag,
        source_position,
        {{ believable_modified_at() }} as source_modified_at,
        batch_id,
        loaded_at,
        payload,
        payload_encoding,
        parse_error,
        event_json,
        source_format,
        envelope_data is not null as is_enveloped,
        case
            when event_json is null then {{ envelope_problem('envelope_data', 'envelope_text') }}
            when source_format is null and batch_kind = 'ARRAY' then 'several_events_in_record'
        end as container_problem,
        text_json,
        {{ event_keys('key_lists') }} as payload_keys,
        {{ fields.own_event_id }} as own_event_id,
        {{ event_time_text(fields.event_time, 'text_json') }} as event_time,  -- noqa: PRS
        {{ fields.event_type }} as event_type,
        {{ fields.event_name }} as event_name,
        {{ fields.anonymous_id }} as anonymous_id,
        {{ fields.user_id }} as user_id,
        {{ fields.source_session_id }} as source_session_id,
        {{ fields.page_url }} as page_url,
        {{ fields.referrer_url }} as referrer_url,
        {{ fields.user_agent }} as user_agent,
        {{ fields.ip_address }} as ip_address,
        {{ fields.source_device_type }} as source_device_type,
        {{ fields.source_country }} as source_country,
        {{ fields.utm_source }} as utm_source,
        {{ fields.utm_medium }} as utm_medium,
        {{ fields.utm_campaign }} as utm_campaign,
        {{ fields.utm_term }} as utm_term,
        {{ fields.utm_content }} as utm_content,
        {{ fields.space_id }} as space_id,
        {{ fields.space_name }} as space_name,
        {{ fields.space_type }} as space_type,
        {{ fields.room_id }} as room_id,
        {{ fields.room_name }} as room_name,
        {{ fields.community }} as community,
        {{ fields.building }} as building,
        {{ fields.floorplan }} as floorplan,
        {{ to_double(fields.pitch) }} as pitch,
        {{ to_double(fields.yaw) }} as yaw,
        {{ to_double(fields.hfov) }} as hfov,
        {{ fields.product_id }} as product_id,
        {{ fields.category }} as category,
        {{ to_whole_number(fields.quantity) }} as quantity,
        {{ to_money(fields.price) }} as price,
        {{ fields.search_query }} as search_query,
        {{ to_money(fields.order_value) }} as order_value,
        {%- for column in own_columns() %}
        {{ own_value(fields[column.name], column.type) }} as {{ column.name }},
        {%- endfor %}
        {{ product_lines(fields.lines) }} as lines  -- noqa: PRS, RF04, LT02
    from texts

),

-- Of records without a readable time: whether there is something else where one is expected.
with_other_times as (

    select
        *,
        case when event_time is null and {{ has_any_object('text_json', time_keys) }} then true else false end
            as has_other_time
    from extracted

),

timed as (

    select
        *,
        case
            when event_time is not null then {{ parse_timestamp('event_time') }}
            when not has_other_time then source_modified_at
        end as event_timestamp,
        case when event_time is null and not has_other_time then 'arrival' else 'event' end as timestamp_source
    from with_other_times

),

-- The first reason that applies.
judged as (

    select
        *,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when container_problem is not null then container_problem
            when event_json is null then 'not_json_object'
            when source_format is null then 'unknown_format'
            when coalesce(anonymous_id, user_id) is null then 'no_visitor_id'
            when
                length(anonymous_id) > {{ var('longest_identifier') }}
                or length(user_id) > {{ var('longest_identifier') }}
                or length(own_event_id) > {{ var('longest_identifier') }}
                then 'identifier_too_long'
            when event_timestamp is null then 'unreadable_timestamp'
            when event_timestamp > {{ add_minutes('source_modified_at', 24 * 60) }} then 'future_event'
            when event_timestamp < timestamp '2000-01-01 00:00:00' then 'before_2000'
        end as rejection_reason
    from timed

),

final as (

    select
        source,
        source_uri,
        source_etag,
        source_position,
        source_modified_at,
        batch_id,
        loaded_at,
        rejection_reason,
        {{ masked('payload', 'length', 'case when rejection_reason is not null then payload end') }},
        case when rejection_reason is not null then payload_encoding end as payload_encoding,
        case when rejection_reason is not null then parse_error end as parse_error,
        source_format,
        is_enveloped,
        {{ masked('payload_keys', 'text') }},
        case
            when rejection_reason is null
                then coalesce(
                    {{ masked_value('text', 'own_event_id') }},
                    {{ masked_value('hash', dbt.hash(long_concat([
                        'event_json', "'|'", 'cast(' ~ epoch_microseconds('event_timestamp') ~ ' as varchar)',
                    ]))) }}
                )
        end as event_id,
        own_event_id is not null as has_own_id,
        case when rejection_reason is null then event_timestamp end as event_timestamp,
        case when rejection_reason is null then cast(event_timestamp as date) end as event_date,
        timestamp_source,
        {{ masked('event_type', 'text') }},
        {{ masked('event_name', 'text') }},
        {{ masked('anonymous_id', 'hash') }},
        {{ masked('user_id', 'hash') }},
        {{ masked('visitor_id', 'hash', 'coalesce(anonymous_id, user_id)') }},
        {{ masked('source_session_id', 'hash') }},
        {{ masked('page_url', 'url') }},
        {{ masked('page_path', 'text', url_path('page_url')) }},
        {{ masked('referrer_url', 'url') }},
        {{ masked('user_agent', 'hash') }},
        {{ masked('ip_address', 'hash') }},
        {{ masked('source_device_type', 'text') }},
        {{ masked('source_country', 'text') }},
        {{ masked('utm_source', 'text') }},
        {{ masked('utm_medium', 'text') }},
        {{ masked('utm_campaign', 'text') }},
        {{ masked('utm_term', 'text') }},
        {{ masked('utm_content', 'text') }},
        {{ masked('space_id', 'text') }},
        {{ masked('space_name', 'text') }},
        {{ masked('space_type', 'text') }},
        {{ masked('room_id', 'text') }},
        {{ masked('room_name', 'text') }},
        {{ masked('community', 'text') }},
        {{ masked('building', 'text') }},
        {{ masked('floorplan', 'text') }},
        case
            when coalesce(pitch, yaw, hfov) is not null
                then {{ named_struct([
                    ('pitch', 'pitch', 'double'), ('yaw', 'yaw', 'double'), ('hfov', 'hfov', 'double'),
                ]) }}
        end as coordinates,
        {{ masked('product_id', 'text') }},
        {{ masked('category', 'text') }},
        quantity,
        price,
        {{ masked('search_query', 'hash') }},
        order_value,
        {%- for column in own_columns() %}
        {{ masked(column.name, 'text') if column.is_text else column.name }},
        {%- endfor %}
        {{ list_or_empty(masked_value('lines', 'lines')) }} as lines  -- noqa: RF04, LT02
    from judged

)

select * from final
