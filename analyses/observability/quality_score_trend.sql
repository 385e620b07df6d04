with

final as (

    select
        event_date,
        source_format,
        event_count,
        average_score,
        tenth_percentile_score,
        {{ ratio('low_score_events', 'event_count') }} as low_score_share
    from {{ ref('data_quality_daily') }}
    where {{ in_last_days('event_date', 30, ref('data_quality_daily')) }}

)

select * from final
order by event_date, source_format
