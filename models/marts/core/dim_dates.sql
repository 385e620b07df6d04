{{ config(meta={'rebuild_by': 'everything'}) }}

with

digits as (

    select listed.digit
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as listed (digit)

),

numbers as (

    select
        ones.digit + 10 * tens.digit + 100 * hundreds.digit + 1000 * thousands.digit + 10000 * ten_thousands.digit
            as day_number
    from digits as ones
    cross join digits as tens
    cross join digits as hundreds
    cross join digits as thousands
    cross join digits as ten_thousands

),

dates as (

    select {{ add_days("date '" ~ var('first_calendar_date') ~ "'", 'day_number') }} as date_day
    from numbers

),

with_weeks as (

    select
        cast(date_day as date) as date_day,
        cast({{ monday_of('date_day') }} as date) as week_start_date
    from dates
    where date_day <= date '{{ var('last_calendar_date') }}'

),

final as (

    select
        date_day,
        week_start_date,
        cast(date_trunc('month', date_day) as date) as month_start_date,
        cast(date_trunc('quarter', date_day) as date) as quarter_start_date,
        cast(extract(year from date_day) as integer) as calendar_year,
        cast(extract(quarter from date_day) as integer) as calendar_quarter,
        cast(extract(month from date_day) as integer) as calendar_month,
        cast(extract(day from date_day) as integer) as day_of_month,
        cast({{ days_between('week_start_date', 'date_day') }} as integer) + 1 as day_of_week,
        {{ days_between('week_start_date', 'date_day') }} >= 5 as is_weekend
    from with_weeks

)

select * from final
