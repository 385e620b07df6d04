{{ config(meta={'rebuild_by': 'batch_id'}) }}

with

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset in ('transactions', 'reviews', 'products')

),

records as (

    select
        'transactions' as dataset,
        batch_id,
        source_uri,
        source_etag,
        source_position,
        transaction_id,
        cast(null as varchar) as review_id,
        cast(null as varchar) as product_id
    from {{ ref('stg_transactions') }}
    where
        rejection_reason is null
        and {{ touched() }}
    union all
    select
        'reviews' as dataset,
        batch_id,
        source_uri,
        source_etag,
        source_position,
        cast(null as varchar) as transaction_id,
        review_id,
        cast(null as varchar) as product_id
    from {{ ref('stg_reviews') }}
    where
        rejection_reason is null
        and {{ touched() }}
    union all
    select
        'products' as dataset,
        batch_id,
        source_uri,
        source_etag,
        source_position,
        cast(null as varchar) as transaction_id,
        cast(null as varchar) as review_id,
        product_id
    from {{ ref('stg_products') }}
    where
        rejection_reason is null
        and {{ touched() }}

),

final as (

    select records.*
    from records
    inner join superseded_objects
        on
            records.dataset = superseded_objects.dataset
            and records.source_uri = superseded_objects.source_uri
            and records.source_etag = superseded_objects.source_etag

)

select * from final
