{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'batch_id'},
    )
}}
-- depends_on: {{ ref('int_loaded_objects') }}

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

keyed as (

    select
        *,
        {{ json_kinds('record_json', event_format_keys()) }} as record_kinds
    from parsed

),

-- A Kinesis envelope: base64 text, or an object of no known format that holds base64 text in `data`.
enveloped as (

    select
        *,
        case
            when payload_encoding <> 'utf8' then null
            when record_json is null then {{ trim_blanks("replace(payload, '\"', '')") }}
            when
                {{ event_format_name('record_kinds') }} is null
                and {{ has_any_key('record_kinds', ['data', 'kinesis.data']) }}
                then coalesce(
                    {{ json_text('record_json', 'data') }},  -- noqa: PRS
                    {{ json_text('record_json', 'kinesis.data') }}  -- noqa: PRS
                )
        end as envelope_data
    from keyed

),

unwrapped as (

    select
        *,
        case
            when envelope_data is null then record_json
            else {{ canonical_json_object(decode_base64('envelope_data')) }}
        end as event_json
    from enveloped

),

recognised as (

    select
        *,
        {{ event_format_name('event_kinds') }} as source_format
    from (
        select
            *,
            case
                when envelope_data is null then record_kinds
                else {{ json_kinds('event_json', event_format_keys()) }}
            end as event_kinds
        from unwrapped
    ) as kinds

),

texts as (

    select
        *,
        {{ event_texts('event_json') }} as texts,  -- noqa: PRS, LT02
        {{ json_keys('event_json', event_containers()) }} as key_lists
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
        {{ event_keys('key_lists') }} as payload_keys,
        {{ event_field('own_event_id') }} as own_event_id,
        {{ event_field('event_time') }} as event_time,
        {{ event_field('event_type') }} as event_type,
        {{ event_field('event_name') }} as event_name,
        {{ event_field('anonymous_id') }} as anonymous_id,
        {{ event_field('user_id') }} as user_id,
        {{ event_field('source_session_id') }} as source_session_id,
        {{ event_field('page_url') }} as page_url,
        {{ event_field('referrer_url') }} as referrer_url,
        {{ event_field('user_agent') }} as user_agent,
        {{ event_field('source_device_type') }} as source_device_type,
        {{ event_field('source_country') }} as source_country,
        {{ event_field('space_id') }} as space_id,
        {{ event_field('space_name') }} as space_name,
        {{ event_field('space_type') }} as space_type,
        {{ event_field('room_id') }} as room_id,
        {{ event_field('room_name') }} as room_name,
        {{ event_field('community') }} as community,
        {{ event_field('building') }} as building,
        {{ event_field('floorplan') }} as floorplan,
        {{ to_double(event_field('pitch')) }} as pitch,
        {{ to_double(event_field('yaw')) }} as yaw,
        {{ to_double(event_field('hfov')) }} as hfov,
        {{ event_field('product_id') }} as product_id,
        {{ event_field('category') }} as category,
        {{ to_whole_number(event_field('quantity')) }} as quantity,
        {{ to_money(event_field('price')) }} as price,
        {{ event_field('search_query') }} as search_query
    from texts

),

timed as (

    select
        *,
        case when event_time is null then source_modified_at else {{ parse_timestamp('event_time') }} end
            as event_timestamp,
        case when event_time is null then 'arrival' else 'event' end as timestamp_source
    from extracted

),

-- The first reason that applies.
judged as (

    select
        *,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when event_json is null then 'not_json_object'
            when source_format is null then 'unknown_format'
            when coalesce(anonymous_id, user_id) is null then 'no_visitor_id'
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
        case when rejection_reason is not null then payload end as payload,
        case when rejection_reason is not null then payload_encoding end as payload_encoding,
        case when rejection_reason is not null then parse_error end as parse_error,
        source_format,
        is_enveloped,
        payload_keys,
        case
            when rejection_reason is null
                then coalesce(
                    own_event_id,
                    {{ dbt.hash(dbt.concat([
                        'event_json', "'|'", 'cast(' ~ epoch_microseconds('event_timestamp') ~ ' as varchar)',
                    ])) }}
                )
        end as event_id,
        case when rejection_reason is null then event_timestamp end as event_timestamp,
        case when rejection_reason is null then cast(event_timestamp as date) end as event_date,
        timestamp_source,
        event_type,
        event_name,
        anonymous_id,
        user_id,
        coalesce(anonymous_id, user_id) as visitor_id,
        source_session_id,
        page_url,
        {{ url_path('page_url') }} as page_path,
        referrer_url,
        user_agent,
        source_device_type,
        source_country,
        space_id,
        space_name,
        space_type,
        room_id,
        room_name,
        community,
        building,
        floorplan,
        case
            when coalesce(pitch, yaw, hfov) is not null
                then {{ named_struct([
                    ('pitch', 'pitch', 'double'), ('yaw', 'yaw', 'double'), ('hfov', 'hfov', 'double'),
                ]) }}
        end as coordinates,
        product_id,
        category,
        quantity,
        price,
        search_query
    from judged

)

select * from final
