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

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'products'

),

ranked as (

    select
        records.*,
        row_number() over (
            partition by records.product_id
            order by records.source_modified_at desc, records.source_uri desc, records.source_position desc
        ) as recency
    from records
    left join superseded_objects
        on
            records.source_uri = superseded_objects.source_uri
            and records.source_etag = superseded_objects.source_etag
    where superseded_objects.source_uri is null

),

final as (

    select
        product_id,
        name,
        category,
        brand,
        price,
        stock,
        updated_at
    from ranked
    where recency = 1

)

select * from final
