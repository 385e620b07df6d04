{{
    config(
        partitioned_by=['event_date'],
        meta={'rebuild_by': 'session_id'},
    )
}}

with

steps as (

    select * from {{ ref('funnel_steps') }}

),

events as (

    select
        *,
        cast(date_trunc('month', event_date) as date) as event_month_date,
        {{ subtract_minutes('event_timestamp', visitor_funnel_minutes()) }} as earliest_start_at
    from {{ ref('fct_web_events') }}
    where
        not is_bot
        and event_action in (select steps.event_action from steps)
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

-- The month of the event, and the one before where a chain that began there may still go on with it.
in_months as (

    select
        events.*,
        months.is_beginning,
        case
            when months.is_beginning then events.event_month_date
            else cast(date_trunc('month', events.earliest_start_at) as date)
        end as month_date
    from events
    cross join (values (true), (false)) as months (is_beginning)
    where
        months.is_beginning
        or cast(events.earliest_start_at as date) < events.event_month_date

),

final as (

    select
        {{ long_concat(['visitor_id', "'|'", 'cast(month_date as varchar)']) }} as visitor_month,
        month_date,
        event_id,
        event_timestamp,
        event_date,
        visitor_id,
        session_id,
        event_action,
        is_beginning
    from in_months

)

select * from final
