{{ config(meta={'rebuild_by': 'new_batches'}) }}
-- depends_on: {{ ref('int_built_models') }}, {{ ref('int_changes') }}
-- The books, so that whatever is built upon this has them.

with

ledger as (

    select * from {{ source('raw', 'load_batches') }}

),

final as (

    select
        dataset,
        batch_id,
        source,
        source_uri,
        source_etag,
        {{ believable_modified_at() }} as source_modified_at,
        record_count,
        loaded_at,
        {{ this_run() }} as taken_up_run
    from ledger

)

select * from final
