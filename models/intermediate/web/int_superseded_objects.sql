{{ config(meta={'replaces': 'touched_objects', 'dataset': none, 'key': ['dataset', 'source_uri', 'source_etag']}) }}

{%- set new = new_batches(none) %}

with

ledger as (

    select
        dataset,
        batch_id,
        source_uri,
        source_etag,
        source_modified_at
    from {{ source('raw', 'load_batches') }}

),

-- Versions that staging does not hold yet do not replace anything yet.
staged_versions as (

    select distinct
        ledger.dataset,
        ledger.source_uri,
        ledger.source_etag,
        ledger.source_modified_at
    from ledger
    inner join {{ ref('int_batch_reach') }} as staged_batches
        on ledger.dataset = staged_batches.dataset and ledger.batch_id = staged_batches.batch_id
    {% if not new.everything %}
    where ledger.source_uri in (select touched.source_uri from ledger as touched where {{ in_batches(new, 'touched.batch_id') }})
    {% endif %}

),

ranked as (

    select
        dataset,
        source_uri,
        source_etag,
        row_number() over (
            partition by dataset, source_uri
            order by source_modified_at desc, source_etag desc
        ) as recency
    from staged_versions

),

final as (

    select
        dataset,
        source_uri,
        source_etag
    from ranked
    where recency > 1

)

select * from final
