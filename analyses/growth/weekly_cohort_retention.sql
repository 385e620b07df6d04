with

final as (

    select
        cohort_week,
        weeks_since_first_visit,
        retention_rate
    from {{ ref('daily_cohort_analysis') }}
    where {{ in_last_days('analysis_date', 1, ref('daily_cohort_analysis')) }}

)

select * from final
order by cohort_week, weeks_since_first_visit
