{{ config(meta={'rebuild_by': 'transaction_date'}) }}

with

transactions as (

    select * from {{ ref('fct_transactions') }}

),

final as (

    select
        transaction_date,
        count(*) as transaction_count,
        count(case when status = 'completed' then 1 end) as orders,
        {{ sum_of_money("case when status = 'completed' then total_amount end") }} as revenue,
        {{ sum_of_whole_numbers("case when status = 'completed' then quantity end") }} as units,
        count(distinct case when status = 'completed' then customer_id end) as customers
    from transactions
    group by transaction_date

)

select * from final
