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
        kept=[
            'event_id', 'visitor_id', 'event_date', 'event_timestamp', 'event_action', 'session_id',
        ],
    ) }}

),

-- Without a list an event is its own line.
own as (

    select
        event_id,
        visitor_id,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        0 as line_number,
        product_id,
        category,
        price,
        quantity
    from events
    where
        {{ list_length('product_lines') }} = 0
        and coalesce(product_id, cast(price as varchar)) is not null

),

lines as (

    select
        event_id,
        visitor_id,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        list_position - 1 as line_number,
        product_id,
        name,
        category,
        price,
        quantity
    from listed
    union all
    select
        event_id,
        visitor_id,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        line_number,
        product_id,
        null as name,
        category,
        price,
        quantity
    from own

),

final as (

    select
        event_id,
        visitor_id,
        cast(line_number as integer) as line_number,
        event_date,
        event_timestamp,
        event_action,
        session_id,
        product_id,
        cast(name as varchar) as product_name,
        category,
        price,
        quantity
    from lines

)

select * from final
