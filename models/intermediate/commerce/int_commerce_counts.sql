{{ config(meta={'rebuild_by': 'batch_id'}) }}

with

superseded_objects as (

    select * from {{ ref('int_superseded_objects') }}

),

staged as (

    select
        'transactions' as dataset,
        batch_id,
        source,
        source_uri,
        source_etag,
        source_position,
        rejection_reason
    from {{ ref('stg_transactions') }}
    where {{ touched() }}
    union all
    select
        'reviews' as dataset,
        batch_id,
        source,
        source_uri,
        source_etag,
        source_position,
        rejection_reason
    from {{ ref('stg_reviews') }}
    where {{ touched() }}
    union all
    select
        'products' as dataset,
        batch_id,
        source,
        source_uri,
        source_etag,
        source_position,
        rejection_reason
    from {{ ref('stg_products') }}
    where {{ touched() }}

),

kept as (

    select
        'transactions' as dataset,
        source_uri,
        source_etag,
        source_position
    from {{ ref('fct_transactions') }}
    where {{ touched() }}
    union all
    select
        'reviews' as dataset,
        source_uri,
        source_etag,
        source_position
    from {{ ref('fct_reviews') }}
    where {{ touched() }}
    union all
    select
        'products' as dataset,
        source_uri,
        source_etag,
        source_position
    from {{ ref('dim_products') }}
    where {{ touched() }}

),

final as (

    select
        staged.batch_id,
        staged.dataset,
        staged.source,
        count(kept.source_uri) as kept,
        count(
            case
                when
                    superseded_objects.source_uri is null
                    and staged.rejection_reason is null
                    and kept.source_uri is null
                    then 1
            end
        ) as duplicates,
        count(
            case when superseded_objects.source_uri is null and staged.rejection_reason is not null then 1 end
        ) as rejected,
        count(superseded_objects.source_uri) as superseded
    from staged
    left join superseded_objects
        on
            staged.dataset = superseded_objects.dataset
            and staged.source_uri = superseded_objects.source_uri
            and staged.source_etag = superseded_objects.source_etag
    left join kept
        on
            staged.dataset = kept.dataset
            and staged.source_uri = kept.source_uri
            and staged.source_etag = kept.source_etag
            and staged.source_position = kept.source_position
    group by staged.batch_id, staged.dataset, staged.source

)

select * from final
