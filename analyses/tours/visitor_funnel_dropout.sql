with

steps as (

    select
        funnel_name,
        step_number,
        step_name,
        sum(visitors) as visitors
    from {{ ref('visitor_funnel') }}
    where {{ in_last_days('event_date', 30, ref('visitor_funnel')) }}
    group by funnel_name, step_number, step_name

),

compared as (

    select
        *,
        lag(visitors) over (partition by funnel_name order by step_number) as previous_visitors,
        first_value(visitors) over (partition by funnel_name order by step_number) as first_visitors
    from steps

),

final as (

    select
        funnel_name,
        step_number,
        step_name,
        visitors,
        previous_visitors - visitors as lost_visitors,
        {{ ratio('visitors', 'previous_visitors') }} as conversion_from_previous,
        {{ ratio('visitors', 'first_visitors') }} as conversion_from_start
    from compared

)

select * from final
order by funnel_name, step_number
