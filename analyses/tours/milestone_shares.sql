with

milestones as (

    select
        milestone,
        sum(events) as events
    from {{ ref('journey_milestones') }}
    where {{ in_last_days('event_date', 7, ref('journey_milestones')) }}
    group by milestone

),

final as (

    select
        milestone,
        events,
        {{ ratio('events', 'sum(events) over ()') }} as event_share
    from milestones

)

select * from final
order by events desc, milestone asc
