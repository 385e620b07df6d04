{{
    config(
        full_refresh=false,
        meta={'rebuild_by': 'nothing', 'is_book': true},
    )
}}

-- Rows come from the on-run-end hook (macros/incremental/run_books.sql); the model only makes the table.
select
    cast(null as varchar) as model_name,
    cast(null as bigint) as built_run,
    cast(null as bigint) as known_run,
    cast(null as bigint) as waiting_sets,
    cast(null as bigint) as snapshot_id,
    cast(null as varchar) as sql_code,
    cast(null as varchar) as compiled_code,
    cast(null as {{ timestamp_type() }}) as built_at
where false
