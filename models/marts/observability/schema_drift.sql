{{ config(meta={'rebuild_by': 'everything'}) }}

with

payload_keys as (

    select * from {{ ref('int_payload_keys') }}

),

ranked_key_sets as (

    select
        source_format,
        payload_keys,
        first_seen_at,
        first_source_uri,
        row_number() over (
            partition by source_format, payload_keys
            order by first_seen_at, first_source_uri
        ) as batch_number,
        sum(record_count) over (partition by source_format, payload_keys) as record_count
    from payload_keys

),

-- Few: a format has some dozens of combinations of keys, whatever the number of batches.
key_sets as (

    select
        source_format,
        payload_keys,
        first_seen_at,
        first_source_uri,
        record_count
    from ranked_key_sets
    where batch_number = 1

),

keys as (

    select
        key_sets.source_format,
        exploded.payload_key,
        key_sets.first_seen_at,
        key_sets.first_source_uri,
        row_number() over (
            partition by key_sets.source_format, exploded.payload_key
            order by key_sets.first_seen_at, key_sets.first_source_uri
        ) as key_set_number,
        sum(key_sets.record_count) over (partition by key_sets.source_format, exploded.payload_key) as record_count
    from key_sets
    cross join unnest(split(key_sets.payload_keys, chr(10))) as exploded (payload_key)

),

final as (

    select
        source_format,
        payload_key,
        first_seen_at,
        first_source_uri,
        cast(record_count as bigint) as record_count
    from keys
    where key_set_number = 1

)

select * from final
