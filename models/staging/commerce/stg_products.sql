{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}
-- depends_on: {{ ref('missing_values') }}

{%- set fields = [
    'product_id', 'name', 'category', 'brand', 'price', 'stock', 'updated_at',
] %}

with

records as (

    select
        *,
        case when payload_encoding = 'utf8' then {{ canonical_json_object('payload') }} end as record_json
    from {{ source('raw', 'products') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}

),

readable as (

    select
        *,
        {{ json_without('record_json', missing_texts().everything) }} as text_json
    from records

),

texts as (

    select
        *,
        {{ json_texts('text_json', fields) }} as texts  -- noqa: PRS
    from readable

),

typed as (

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
        record_json,
        texts[1] as product_id,
        texts[2] as name,
        texts[3] as category,
        texts[4] as brand,
        {{ to_money('texts[5]') }} as price,
        {{ to_whole_number('texts[6]') }} as stock,
        {{ parse_timestamp('texts[7]') }} as own_updated_at
    from texts

),


judged as (

    select
        *,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when record_json is null then 'not_json_object'
            when product_id is null then 'no_product_id'
        end as rejection_reason
    from typed

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
        {{ masked('payload', 'length', 'case when rejection_reason is not null then payload end') }},
        case when rejection_reason is not null then payload_encoding end as payload_encoding,
        case when rejection_reason is not null then parse_error end as parse_error,
        {{ masked('product_id', 'text') }},
        {{ masked('name', 'text') }},
        {{ masked('category', 'text') }},
        {{ masked('brand', 'text') }},
        price,
        stock,
        coalesce(own_updated_at, source_modified_at) as updated_at
    from judged

)

select * from final
