{{ config(unique_key='event_date', meta={'rebuild_by': 'everything'}) }}

with

days as (

    select * from {{ ref('int_activity_days') }}

),

gaps as (

    select * from {{ ref('int_daily_gaps') }}

),

-- Of each person's days in a window the first one counts: that on which the previous one lies before the window.
windows as (

    select
        days.event_date,
        case when gaps.event_date = days.event_date then gaps.persons else 0 end as daily_persons,
        case
            when
                gaps.event_date >= {{ add_days('days.event_date', -6) }}
                and gaps.days_since_previous > {{ days_between('days.event_date', 'gaps.event_date') }} + 6
                then gaps.persons
            else 0
        end as weekly_persons,
        case
            when gaps.days_since_previous > {{ days_between('days.event_date', 'gaps.event_date') }} + 29
                then gaps.persons
            else 0
        end as monthly_persons
    from days
    left join gaps
        on gaps.event_date between {{ add_days('days.event_date', -29) }} and days.event_date

),

counted as (

    select
        event_date,
        cast(sum(daily_persons) as bigint) as dau,
        cast(sum(weekly_persons) as bigint) as wau,
        cast(sum(monthly_persons) as bigint) as mau
    from windows
    group by event_date

),

final as (

    select
        event_date,
        dau,
        wau,
        mau,
        {{ ratio('dau', 'mau') }} as dau_over_mau
    from counted

)

select * from final
