-- Proves that each model credits each purchase once, with all of its revenue.
{%- set dates = tested_rows('channel_attribution') | first %}
with

purchases as (

    select
        event_date as conversion_date,
        count(*) as conversions,
        sum(revenue) as revenue
    from {{ ref('int_purchases') }}
    where {{ dates | replace('conversion_date', 'event_date') }}
    group by event_date

),

credits as (

    select
        conversion_date,
        model,
        sum(conversions) as conversions,
        sum(revenue) as revenue
    from {{ ref('channel_attribution') }}
    where {{ dates }}
    group by conversion_date, model

),

models as (

    select
        conversion_date,
        count(*) as models
    from credits
    group by conversion_date

)

select
    purchases.conversion_date,
    purchases.conversions,
    purchases.revenue,
    models.models,
    credits.model,
    credits.conversions as credited_conversions,
    credits.revenue as credited_revenue
from purchases
left join models
    on purchases.conversion_date = models.conversion_date
left join credits
    on purchases.conversion_date = credits.conversion_date
where
    coalesce(models.models, 0) <> 5
    or purchases.conversions <> credits.conversions
    or purchases.revenue <> credits.revenue
