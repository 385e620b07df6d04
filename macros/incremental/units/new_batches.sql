{#
    The unit of int_loaded_objects, where each history begins: the load batches of the ledger that it does not have yet.
    They are compared as sets, not by a time up to which all is known, so that a batch that commits late is not skipped.

    With the variable max_records_per_run a run takes up batches, oldest first, until they have that many records; the
    next run goes on. So years of history, or a long outage, are built in parts that an engine takes in its time.
#}

{% macro plan_of_new_batches(plan) -%}
    {%- set ledger = source('raw', 'load_batches') -%}
    {%- set query = new_batches_query(ledger, this) -%}
    {%- set counts = run_query('select count(distinct batch_id) from (' ~ query ~ ') as new_batches').rows[0] -%}
    {%- if counts[0] == 0 -%}
        {{ return(plan) }}
    {%- endif -%}
    {%- do run_books().update({'taken_up': run_books().run}) -%}
    {{ return(dict(plan, kind='touched', appends=true, key=['batch_id'], keys='select batch_id from (' ~ query ~ ') as new_batches')) }}
{%- endmacro %}

{# A query (batch_id) of the batches that a table does not have, oldest first up to the records of one run. #}
{% macro new_batches_query(ledger, known=none) -%}
    {%- set limit = var('max_records_per_run', none) -%}
    {%- set query -%}
        select batch_id, sum(record_count) as record_count, min(loaded_at) as loaded_at
        from {{ ledger }}
        {%- if known is not none %}
        where batch_id not in (select known.batch_id from {{ known }} as known)
        {%- endif %}
        group by batch_id
    {%- endset -%}
    {%- if limit is none -%}
        {{ return(query) }}
    {%- endif -%}
    {%- set part -%}
        select batch_id
        from (
            select
                batch_id,
                record_count,
                sum(record_count) over (order by loaded_at, batch_id rows unbounded preceding) as records_up_to_it
            from ({{ query }}) as new_batches
        ) as counted
        where records_up_to_it - record_count < {{ limit | int }}
    {%- endset -%}
    {{ return(part) }}
{%- endmacro %}

{# What the batches taken up since are to a model that reads int_loaded_objects. #}
{% macro set_of_loaded_objects(record) -%}
    {%- set books = run_books() -%}
    {%- set rows = book('int_loaded_objects') ~ ' where taken_up_run > ' ~ record.built_run -%}
    {%- set days = run_query('select distinct cast(cast(loaded_at as date) as varchar) as day from ' ~ rows ~ ' order by 1').rows
        | map(attribute=0) | list -%}
    {%- set column = {'days': none, 'has_null': false} -%}
    {{ return({
        'model': 'int_loaded_objects',
        'everything': false,
        'again': books.taken_up_before > record.built_run,
        'rows': rows,
        'columns': {'batch_id': column, 'source_uri': column, 'loaded_at': {'days': days, 'has_null': false}},
    }) }}
{%- endmacro %}
