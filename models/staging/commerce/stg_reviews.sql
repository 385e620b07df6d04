{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}
-- depends_on: {{ ref('missing_values') }}

{%- set fields = [
    'review_id', 'product_id', 'customer_id', 'rating', 'review_text', 'review_date',
] %}

with

records as (

    select
        *,
        case when payload_encoding = 'utf8' then {{ canonical_json_object('payload') }} end as record_json
    from {{ source('raw', 'reviews') }}
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
        texts[1] as review_id,
        texts[2] as product_id,
        texts[3] as customer_id,
        {{ to_whole_number('texts[4]') }} as rating,
        texts[5] as review_text,
        cast({{ parse_timestamp('texts[6]') }} as date) as review_date
    from texts

),


judged as (

    select
        *,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when record_json is null then 'not_json_object'
            when review_id is null then 'no_review_id'
            when product_id is null then 'no_product_id'
            when coalesce(rating, 0) not between 1 and 5 then 'unreadable_rating'
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
        {{ masked('review_id', 'text') }},
        {{ masked('product_id', 'text') }},
        {{ masked('customer_id', 'hash') }},
        case when rating between 1 and 5 then cast(rating as integer) end as rating,
        {{ masked('review_text', 'text') }},
        review_date
    from judged

)

select * from final
