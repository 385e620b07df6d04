with

events as (

    select * from {{ ref('fct_web_events') }}

),

transactions as (

    select * from {{ ref('fct_transactions') }}

),

repeated_events as (

    select
        event_id,
        visitor_id,
        event_date
    from events
    group by event_id, visitor_id, event_date
    having count(*) > 1

),

final as (

    select
        'events of a visitor that dim_visitors lacks' as check_name,
        count(*) as failures
    from events
    where visitor_id not in (select visitor_id from {{ ref('dim_visitors') }})
    union all
    select
        'events of a session that fct_sessions lacks' as check_name,
        count(*) as failures
    from events
    where session_id not in (select session_id from {{ ref('fct_sessions') }})
    union all
    select
        'events that are there twice' as check_name,
        count(*) as failures
    from repeated_events
    union all
    select
        'transactions that are there twice' as check_name,
        count(*) - count(distinct transaction_id) as failures
    from transactions
    union all
    select
        'transactions of a product that dim_products lacks' as check_name,
        count(*) as failures
    from transactions
    where product_id not in (select product_id from {{ ref('dim_products') }})

)

select * from final
order by check_name
