{{
    config(
        unique_key='review_id',
        meta={'rebuild_by': 'review_id'},
    )
}}

with

records as (

    select * from {{ ref('stg_reviews') }}
    where
        rejection_reason is null
        and {{ touched() }}

),

superseded_records as (

    select * from {{ ref('int_superseded_commerce') }}
    where
        dataset = 'reviews'
        and {{ touched() }}

),

ranked as (

    select
        records.*,
        row_number() over (
            partition by records.review_id
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
        review_id,
        product_id,
        customer_id,
        rating,
        review_text,
        review_date,
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
