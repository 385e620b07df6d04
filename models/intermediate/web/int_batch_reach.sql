{{ config(incremental_strategy='append') }}

with

objects as (

    select distinct
        dataset,
        batch_id,
        source_uri,
        source_etag
    from {{ source('raw', 'load_batches') }}

),

new_batches as (

    select distinct
        dataset,
        batch_id
    from objects
    {% if is_incremental() %}
    where batch_id not in (select known.batch_id from {{ this }} as known)
    {% endif %}

),

-- A batch can change its own rows, and those of batches that hold another version of one of its objects.
pairs as (

    select
        objects.dataset,
        objects.batch_id,
        other_versions.batch_id as touched_batch_id
    from objects
    inner join objects as other_versions
        on
            objects.dataset = other_versions.dataset
            and objects.source_uri = other_versions.source_uri
            and objects.source_etag <> other_versions.source_etag
    union
    select
        dataset,
        batch_id,
        batch_id as touched_batch_id
    from new_batches

),

-- Both ways round, so that the pairs do not tell which of the two batches came first.
touched_batches as (

    select
        pairs.dataset,
        pairs.batch_id,
        pairs.touched_batch_id
    from pairs
    where
        exists (
            select 1
            from new_batches
            where
                new_batches.dataset = pairs.dataset
                and new_batches.batch_id in (pairs.batch_id, pairs.touched_batch_id)
        )

),

staged_dates as (

    select distinct
        'web_events' as dataset,
        batch_id,
        event_date
    from {{ ref('stg_web_events') }}
    {% if is_incremental() %}
    where {{ in_batches(staged_batches_to_reach()) }}
    {% endif %}
    union all
    select distinct
        'products' as dataset,
        batch_id,
        cast(null as date) as event_date
    from {{ ref('stg_products') }}

),

-- A batch that staging does not hold yet waits for the next run.
final as (

    select
        touched_batches.dataset,
        touched_batches.batch_id,
        touched_batches.touched_batch_id,
        staged_dates.event_date
    from touched_batches
    inner join staged_dates
        on
            touched_batches.dataset = staged_dates.dataset
            and touched_batches.touched_batch_id = staged_dates.batch_id
    where
        exists (
            select 1
            from staged_dates as own_dates
            where own_dates.dataset = touched_batches.dataset and own_dates.batch_id = touched_batches.batch_id
        )

)

select
    dataset,
    batch_id,
    touched_batch_id,
    event_date
from final
