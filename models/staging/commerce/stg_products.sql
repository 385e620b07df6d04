{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}

{%- set fields = ['product_id', 'name', 'category', 'brand', 'price', 'stock', 'updated_at'] %}

with

records as (

    select
        *,
        case when payload_encoding = 'utf8' then {{ canonical_json_object('payload') }} end as product_json
    from {{ source('raw', 'products') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}

),

texts as (

    select
        source_uri,
        source_etag,
        source_position,
        {{ believable_modified_at() }} as source_modified_at,
        batch_id,
        loaded_at,
        parse_error,
        product_json,
        {{ json_texts('product_json', fields) }} as texts  -- noqa: PRS
    from records

),

final as (

    select
        source_uri,
        source_etag,
        source_position,
        source_modified_at,
        batch_id,
        loaded_at,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when product_json is null then 'not_json_object'
            when texts[1] is null then 'no_product_id'
        end as rejection_reason,
        texts[1] as product_id,
        texts[2] as name,
        texts[3] as category,
        texts[4] as brand,
        {{ to_money('texts[5]') }} as price,
        {{ to_whole_number('texts[6]') }} as stock,
        coalesce({{ parse_timestamp('texts[7]') }}, source_modified_at) as updated_at
    from texts

)

select * from final
