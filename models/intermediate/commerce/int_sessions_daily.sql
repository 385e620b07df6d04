{{ config(meta={'rebuild_by': 'session_date'}) }}

with

sessions as (

    select * from {{ ref('fct_sessions') }}
    where not is_bot

),

final as (

    select
        session_date,
        count(*) as sessions,
        count(case when is_converted then 1 end) as converted_sessions,
        count(case when purchase_count > 0 then 1 end) as buying_sessions
    from sessions
    group by session_date

)

select * from final
