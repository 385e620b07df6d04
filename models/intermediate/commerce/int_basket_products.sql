{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

bought as (

    select * from {{ ref('fct_event_products') }}
    where
        event_action = 'purchase'
        and product_id is not null
        and not is_bot
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

final as (

    select
        session_id,
        product_id,
        min(event_date) as event_date
    from bought
    group by session_id, product_id

)

select * from final
