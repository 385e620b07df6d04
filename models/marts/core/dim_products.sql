{{
    config(
        unique_key='product_id',
        meta={'rebuild_by': 'product_id'},
    )
}}

with

records as (

    select * from {{ ref('stg_products') }}
    where
        rejection_reason is null
        and {{ touched() }}

),

superseded_records as (

    select * from {{ ref('int_superseded_commerce') }}
    where
        dataset = 'products'
        and {{ touched() }}

),

ranked as (

    select
        records.*,
        row_number() over (
            partition by records.product_id
            order by records.source_modified_at desc, records.source_uri desc, records.source_position desc
        ) as recency
    from records
    left join superseded_records
        on
            records.source_uri = superseded_records.source_uri
            and records.source_etag = superseded_records.source_etag
            and records.source_position = superseded_records.source_position
    where superseded_records.source_uri is null

),

final as (

    select
        product_id,
        name,
        category,
        brand,
        price,
        stock,
        updated_at,
        source,
        source_uri,
        source_etag,
        source_position,
        batch_id,
        loaded_at
    from ranked
    where recency = 1

)

select * from final
