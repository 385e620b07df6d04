{{ config(unique_key='event_date', meta={'rebuild_by': 'everything'}) }}

with

active_days as (

    select
        min(event_date) as first_date,
        max(event_date) as last_date
    from {{ ref('int_daily_gaps') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

final as (

    select
        dates.date_day as event_date,
        {{ monday_of('dates.date_day') }} as activity_week,
        active_days.last_date
    from dates
    inner join active_days
        on dates.date_day between active_days.first_date and active_days.last_date

)

select * from final
