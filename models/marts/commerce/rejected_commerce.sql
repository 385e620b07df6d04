{{
    config(
        partitioned_by=['day(loaded_at)'],
        meta={'rebuild_by': 'batch_id'},
    )
}}

with

rejected as (

    select
        'transactions' as dataset,
        payload,
        payload_encoding,
        parse_error,
        source,
        source_uri,
        source_etag,
        source_position,
        source_modified_at,
        batch_id,
        loaded_at,
        rejection_reason
    from {{ ref('stg_transactions') }}
    where
        rejection_reason is not null
        and {{ touched() }}
    union all
    select
        'reviews' as dataset,
        payload,
        payload_encoding,
        parse_error,
        source,
        source_uri,
        source_etag,
        source_position,
        source_modified_at,
        batch_id,
        loaded_at,
        rejection_reason
    from {{ ref('stg_reviews') }}
    where
        rejection_reason is not null
        and {{ touched() }}
    union all
    select
        'products' as dataset,
        payload,
        payload_encoding,
        parse_error,
        source,
        source_uri,
        source_etag,
        source_position,
        source_modified_at,
        batch_id,
        loaded_at,
        rejection_reason
    from {{ ref('stg_products') }}
    where
        rejection_reason is not null
        and {{ touched() }}

),

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}

),

final as (

    select rejected.*
    from rejected
    left join superseded_objects
        on
            rejected.dataset = superseded_objects.dataset
            and rejected.source_uri = superseded_objects.source_uri
            and rejected.source_etag = superseded_objects.source_etag
    where superseded_objects.source_uri is null

)

select * from final
