{#
    The unit of int_web_events_deduplicated: events by (event_id, visitor_id).

    Touched are the identities that have a record in the touched batches. Copies of an event lie on one day or on
    neighbouring days, chained, so the days on which these identities have records are followed to both sides until
    none has one on the next day: mostly one look at the days around. Which records are copies follows from staging
    alone, whose rows stay, so it is the same however often a run is repeated.
#}
{% macro plan_of_event_identity(plan) -%}
    {%- set staged = ref('stg_web_events') -%}
    {%- set window = backfill_window() -%}
    {%- set batches = [] -%}
    {%- for change in plan.sets if 'batch_id' in change.columns -%}
        {%- do batches.append(values_of(change, 'batch_id')) -%}
    {%- endfor -%}
    {%- set of_batches = 'batch_id in (' ~ batches | join(' union all ') ~ ')' if batches else 'false' -%}
    {%- set known = known_days(plan, ['event_date']) -%}
    {%- if 'event_date' in known.days -%}
        {%- set days = known.days.event_date -%}
    {%- else -%}
        {#- A newer version of an object touches the batch of the older one, whatever its days. -#}
        {%- set days = run_query(
            'select distinct cast(event_date as varchar) from ' ~ staged ~ ' where event_date is not null and ' ~ of_batches
        ).rows | map(attribute=0) | sort | list -%}
    {%- endif -%}

    {%- set touched -%}
        select distinct event_id, visitor_id from {{ staged }}
        where rejection_reason is null and {{ in_dates(days) }} and {{ of_batches }}
        {%- for change in plan.sets if change.model == model.name %}
        union
        select distinct event_id, visitor_id from {{ change.rows }}
        {%- endfor %}
        {%- if window is not none %}
        union
        select distinct event_id, visitor_id from {{ staged }}
        where rejection_reason is null and {{ in_window(window) }}
        union
        select distinct event_id, visitor_id from {{ this }}
        where {{ in_window(window) }}
        {%- endif %}
    {%- endset -%}
    {%- set identities = keep_rows('identities', touched) -%}
    {%- if window is not none -%}
        {%- set days = (days + dates_between(window.first, window.last)) | unique | list -%}
    {%- endif -%}

    {%- set chain = namespace(days=days, edge=days) -%}
    {%- for step in range(1000) -%}
        {#- By a day; after some steps by a month, so that a chain of years takes few questions. -#}
        {%- set around = dates_around(chain.edge, 1 if step < 3 else 30) | reject('in', chain.days) | list -%}
        {%- if around -%}
            {%- set query -%}
                select distinct cast(event_date as varchar) from {{ staged }}
                where
                    rejection_reason is null
                    and {{ in_dates(around) }}
                    and (event_id, visitor_id) in (select event_id, visitor_id from {{ identities }})
            {%- endset -%}
            {%- set chain.days = chain.days + around -%}
            {%- set chain.edge = run_query(query).rows | map(attribute=0) | list -%}
        {%- endif -%}
    {%- endfor -%}

    {%- do plan.update({
        'key': ['event_id', 'visitor_id'],
        'keys': 'select event_id, visitor_id from ' ~ identities,
        'days': {'event_date': chain.days | sort},
        'nulls': [],
    }) -%}
    {{ return(plan) }}
{%- endmacro %}
