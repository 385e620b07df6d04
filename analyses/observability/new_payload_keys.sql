with

final as (

    select
        first_seen_at,
        source_format,
        payload_key,
        first_source_uri,
        record_count
    from {{ ref('schema_drift') }}

)

select * from final
order by first_seen_at desc, source_format asc, payload_key asc
limit 50
