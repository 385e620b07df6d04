with

final as (

    select
        source_uri,
        source,
        batch_id,
        loaded_at,
        count(*) as events
    from {{ ref('fct_web_events') }}
    where {{ in_last_days('event_date', 1, ref('fct_web_events')) }}
    group by source_uri, source, batch_id, loaded_at

)

select * from final
order by events desc, source_uri asc, batch_id asc
