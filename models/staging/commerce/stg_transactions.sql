{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}
-- depends_on: {{ ref('missing_values') }}

{%- set fields = [
    'transaction_id', 'customer_id', 'product_id', 'quantity', 'price', 'total_amount', 'transaction_date', 'status',
] %}

with

records as (

    select
        *,
        case when payload_encoding = 'utf8' then {{ canonical_json_object('payload') }} end as record_json
    from {{ source('raw', 'transactions') }}
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
        texts[1] as transaction_id,
        texts[2] as customer_id,
        texts[3] as product_id,
        texts[4] as quantity_text,
        {{ to_whole_number('texts[4]') }} as quantity,
        texts[5] as price_text,
        {{ to_money('texts[5]') }} as price,
        texts[6] as total_text,
        {{ to_money('texts[6]') }} as total,
        cast({{ parse_timestamp('texts[7]') }} as date) as transaction_date,
        lower(texts[8]) as status
    from texts

),

-- A total that is given counts, whatever price and quantity say.
totalled as (

    select
        *,
        coalesce(total, try_cast(price * quantity as decimal(18, 2))) as total_amount
    from typed

),


judged as (

    select
        *,
        case
            when parse_error like 'record too large: %' then 'record_too_large'
            when record_json is null then 'not_json_object'
            when transaction_id is null then 'no_transaction_id'
            when customer_id is null then 'no_customer_id'
            when
                (quantity_text is not null and quantity is null)
                or (price_text is not null and price is null)
                or (total_text is not null and total is null)
                or total_amount is null
                then 'unreadable_amount'
            when transaction_date is null then 'unreadable_date'
            -- A sentinel such as 9999-12-31 would be a day of its own in every daily mart, and all days up to it.
            when
                transaction_date < date '{{ var('first_calendar_date') }}'
                or transaction_date > date '{{ var('last_calendar_date') }}'
                then 'unreadable_date'
            when coalesce(status, '') not in ('completed', 'returned', 'refunded') then 'unknown_status'
        end as rejection_reason
    from totalled

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
        {{ masked('transaction_id', 'text') }},
        {{ masked('customer_id', 'hash') }},
        {{ masked('product_id', 'text') }},
        quantity,
        price,
        total_amount,
        transaction_date,
        {{ masked('status', 'text') }}
    from judged

)

select * from final
