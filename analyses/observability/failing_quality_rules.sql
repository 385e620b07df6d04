with

rules as (

    select
        rule,
        sum(applicable_events) as applicable_events,
        sum(failed_events) as failed_events
    from {{ ref('data_quality_rules_daily') }}
    where {{ in_last_days('event_date', 30, ref('data_quality_rules_daily')) }}
    group by rule

),

final as (

    select
        rule,
        applicable_events,
        failed_events,
        {{ ratio('failed_events', 'applicable_events') }} as failed_share
    from rules

)

select * from final
order by failed_share desc, rule asc
