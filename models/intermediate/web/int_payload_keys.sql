{{
    config(
        partitioned_by=['month(loaded_at)'],
        meta={'rebuild_by': 'batch_id'},
    )
}}


with

records as (

    select
        batch_id,
        loaded_at,
        coalesce(source_format, 'unknown') as source_format,
        payload_keys,
        source_uri,
        source_modified_at
    from {{ ref('stg_web_events') }}
    where
        payload_keys is not null
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

objects as (

    select
        batch_id,
        loaded_at,
        source_format,
        payload_keys,
        source_uri,
        source_modified_at,
        count(*) as record_count
    from records
    group by batch_id, loaded_at, source_format, payload_keys, source_uri, source_modified_at

),

ranked as (

    select
        *,
        row_number() over (
            partition by batch_id, source_format, payload_keys
            order by source_modified_at, source_uri
        ) as object_number,
        sum(record_count) over (partition by batch_id, source_format, payload_keys) as batch_record_count
    from objects

),

final as (

    select
        batch_id,
        loaded_at,
        source_format,
        payload_keys,
        source_modified_at as first_seen_at,
        source_uri as first_source_uri,
        cast(batch_record_count as bigint) as record_count
    from ranked
    where object_number = 1

)

select * from final
