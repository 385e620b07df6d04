{{ config(materialized='ephemeral') }}

with

versions as (

    select
        dataset,
        source_uri,
        source_etag,
        row_number() over (
            partition by dataset, source_uri
            order by source_modified_at desc, source_etag desc
        ) as recency
    from {{ source('raw', 'load_batches') }}

)

select
    dataset,
    source_uri,
    source_etag
from versions
where recency > 1
