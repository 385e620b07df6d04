{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

events as (

    select * from {{ ref('fct_web_events') }}
    where
        {{ touched() }}
        and {{ touched(on='event_date') }}

),

listed as (

    {{ rows_of_list(
        'events', 'product_lines', line_columns(),
        kept=['event_id', 'visitor_id', 'event_date', 'event_timestamp', 'event_action', 'session_id', 'is_bot'],
    ) }}

),

final as (

    select
        event_id,
        visitor_id,
        cast(list_position - 1 as integer) as line_number,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        product_id,
        name,
        category,
        price,
        quantity,
        is_bot
    from listed
    union all
    -- Without a list an event is its own line.
    select
        event_id,
        visitor_id,
        0 as line_number,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        product_id,
        cast(null as varchar) as name,
        category,
        price,
        quantity,
        is_bot
    from events
    where
        {{ list_length('product_lines') }} = 0
        and (product_id is not null or price is not null)

)

select * from final
