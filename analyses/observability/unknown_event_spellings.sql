-- The events that count as nothing, since the seed event_actions does not have their spelling: lines that it lacks.
with

records as (

    select * from {{ ref('stg_web_events') }}
    where rejection_reason is null

),

spellings as (

    select
        {{ event_spelling('event_type') }} as event_type,
        {{ event_spelling('event_name') }} as event_name,
        event_action
    from {{ ref('event_actions') }}

),

actions as (

    select
        records.source_format,
        records.event_type,
        records.event_name,
        {{ event_action('records') }} as event_action
    from records
    {{ join_event_actions('records', 'spellings') }}

),

final as (

    select
        source_format,
        event_type,
        event_name,
        count(*) as record_count
    from actions
    where event_action is null
    group by source_format, event_type, event_name

)

select * from final
order by record_count desc, source_format asc, event_type asc, event_name asc
