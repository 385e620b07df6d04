with

sessions as (

    select * from {{ ref('fct_sessions') }}
    where
        not is_bot
        and {{ in_last_days('session_date', 30, ref('fct_sessions')) }}

),

visits as (

    select
        device_type,
        country,
        count(*) as sessions,
        count(distinct visitor_id) as visitors,
        count(case when is_converted then 1 end) as converted_sessions,
        {{ sum_of_money('revenue') }} as revenue
    from sessions
    group by device_type, country

),

final as (

    select
        device_type,
        country,
        sessions,
        visitors,
        {{ ratio('converted_sessions', 'sessions') }} as conversion_rate,
        revenue
    from visits

)

select * from final
order by sessions desc, device_type asc, country asc
