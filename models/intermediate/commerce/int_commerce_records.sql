{{ config(meta={'rebuild_by': 'batch_id'}) }}
-- depends_on: {{ ref('int_loaded_objects') }}

with

records as (

    select
        'transactions' as dataset,
        batch_id,
        source
    from {{ source('raw', 'transactions') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}
    union all
    select
        'reviews' as dataset,
        batch_id,
        source
    from {{ source('raw', 'reviews') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}
    union all
    select
        'products' as dataset,
        batch_id,
        source
    from {{ source('raw', 'products') }}
    where
        {{ touched() }}
        and {{ touched(on='loaded_at') }}

),

final as (

    select
        batch_id,
        dataset,
        source,
        count(*) as raw_records
    from records
    group by batch_id, dataset, source

)

select * from final
