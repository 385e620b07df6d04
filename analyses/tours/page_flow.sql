with

transitions as (

    select
        from_page,
        to_page,
        sum(transitions) as transitions
    from {{ ref('page_transitions') }}
    where {{ in_last_days('session_date', 7, ref('page_transitions')) }}
    group by from_page, to_page

),

final as (

    select
        from_page,
        to_page,
        transitions,
        {{ ratio('transitions', 'sum(transitions) over (partition by from_page)') }} as share_of_from_page
    from transitions

)

select * from final
order by transitions desc, from_page asc, to_page asc
limit 50
