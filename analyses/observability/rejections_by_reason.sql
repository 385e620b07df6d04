with

final as (

    select
        rejection_reason,
        source,
        count(*) as records,
        max(loaded_at) as last_loaded_at,
        min(source_uri) as example_source_uri
    from {{ ref('rejected_events') }}
    group by rejection_reason, source

)

select * from final
order by records desc, rejection_reason asc, source asc
