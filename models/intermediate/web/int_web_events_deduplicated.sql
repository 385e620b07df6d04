{{
    config(
        partitioned_by=['event_date'],
        meta={'replaces': 'touched_identities', 'key': ['event_id', 'event_date']},
    )
}}

{%- set new = new_batches() %}

with

copies as (

    select * from {{ ref('stg_web_events') }}
    where
        rejection_reason is null
        and {{ in_event_dates(new) }}

),

{% if not new.everything %}
touched as (

    select distinct
        event_id,
        event_date
    from copies
    where {{ in_batches(new) }}

),
{% endif %}

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}
    where dataset = 'web_events'

),

current_copies as (

    select copies.*
    from copies
    {% if not new.everything %}
    inner join touched
        on copies.event_id = touched.event_id and copies.event_date = touched.event_date
    {% endif %}
    left join superseded_objects
        on
            copies.source_uri = superseded_objects.source_uri
            and copies.source_etag = superseded_objects.source_etag
    where superseded_objects.source_uri is null

),

-- The order is total and knows nothing of loading: any order of loading keeps the same copy.
ranked as (

    select
        *,
        row_number() over (
            partition by event_id, event_date
            order by event_timestamp desc, source_modified_at desc, source_uri desc, source_position desc
        ) as recency
    from current_copies

),

final as (

    select
        event_id,
        event_date,
        event_timestamp,
        visitor_id,
        source,
        source_uri,
        source_etag,
        source_position,
        loaded_at
    from ranked
    where recency = 1

)

select * from final
