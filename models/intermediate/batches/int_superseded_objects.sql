{{ config(meta={'rebuild_by': 'source_uri'}, unique_key=['dataset', 'source_uri', 'source_etag']) }}

with

objects as (

    select * from {{ ref('int_loaded_objects') }}
    where {{ touched() }}

),

versions as (

    select
        dataset,
        source_uri,
        source_etag,
        max(batch_id) as batch_id,
        max(source_modified_at) as source_modified_at
    from objects
    group by dataset, source_uri, source_etag

),

ranked as (

    select
        dataset,
        source_uri,
        source_etag,
        batch_id,
        row_number() over (
            partition by dataset, source_uri
            order by source_modified_at desc, source_etag desc
        ) as recency
    from versions

),

final as (

    select
        dataset,
        source_uri,
        source_etag,
        batch_id
    from ranked
    where recency > 1

)

select * from final
