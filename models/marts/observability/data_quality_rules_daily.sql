{{
    config(
        partitioned_by=['month(event_date)'],
        meta={'rebuild_by': 'event_date'},
    )
}}

with

events as (

    select
        event_date,
        source_format,
        event_action,
        failed_rules,
        count(*) as event_count
    from {{ ref('fct_web_events') }}
    where {{ touched() }}
    group by event_date, source_format, event_action, failed_rules

),

rules as (

    select
        rule,
        event_action
    from {{ ref('quality_rules') }}

),

-- Once for each rule, also where the seed names it for all events and for this action.
applied as (

    select distinct
        events.event_date,
        events.source_format,
        events.event_action,
        events.failed_rules,
        events.event_count,
        rules.rule
    from events
    inner join rules
        on
            rules.event_action is null
            or events.event_action = rules.event_action

),

final as (

    select
        event_date,
        source_format,
        rule,
        cast(sum(event_count) as bigint) as applicable_events,
        cast(
            sum(
                case
                    when strpos(',' || failed_rules || ',', ',' || rule || ',') > 0 then event_count
                    else 0
                end
            ) as bigint
        ) as failed_events
    from applied
    group by event_date, source_format, rule

)

select * from final
