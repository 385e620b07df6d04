{{
    config(
        partitioned_by=['month(transaction_date)'],
        meta={'rebuild_by': 'transaction_date'},
    )
}}

with

transactions as (

    select * from {{ ref('fct_transactions') }}

),

final as (

    select
        transaction_date,
        product_id,
        count(case when status = 'completed' then 1 end) as orders,
        {{ sum_of_money("case when status = 'completed' then total_amount end") }} as revenue,
        {{ sum_of_whole_numbers("case when status = 'completed' then quantity end") }} as units,
        count(case when status <> 'completed' then 1 end) as returned_orders,
        {{ sum_of_money("case when status <> 'completed' then total_amount end") }} as returned_amount
    from transactions
    group by transaction_date, product_id

)

select * from final
