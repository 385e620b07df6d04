{#
    The incremental strategy `replace`: what a run computed takes the place of what it concerns, in one commit.

    A model says which of its old rows the new batches concern with meta.replaces, the name of a macro that gives a
    condition on the table's rows; these rows go. With unique_key, old rows whose key is computed again go too.
    Then the computed rows come. So a row whose cause is gone (a duplicate that lost, an object that was uploaded
    again, sessions that became one) does not stay behind.
#}

{% macro get_incremental_replace_sql(arg_dict) -%}
    {{ return(adapter.dispatch('get_incremental_replace_sql')(arg_dict)) }}
{%- endmacro %}

{% macro duckdb__get_incremental_replace_sql(arg_dict) -%}
    {%- set target = arg_dict.target_relation -%}
    {%- set source = arg_dict.temp_relation -%}
    {%- set columns = get_quoted_csv(arg_dict.dest_columns | map(attribute='name')) -%}
    {%- set unique_key = arg_dict.unique_key -%}
    {%- set replaced = replaced_rows(target) -%}
    {%- if replaced != 'false' %}
    delete from {{ target }} where {{ replaced }};
    {%- endif %}
    {%- if unique_key %}
    {%- set keys = [unique_key] if unique_key is string else unique_key %}
    {%- set partitions = computed_partitions(source) | trim %}
    {%- if partitions != 'false' %}
    delete from {{ target }}
    where
        {{ partitions }}
        and ({{ keys | join(', ') }}) in (select {{ keys | join(', ') }} from {{ source }});
    {%- endif %}
    {%- endif %}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ source }}
{%- endmacro %}



{#
    One MERGE. Its source has the computed rows, which meet no old row and are inserted, and the keys of the old rows
    that go. Without a key it has one row that meets all old rows for which meta.replaces' condition holds.

    A key (unique_key or meta.key; its columns are never null) is needed where the condition asks other tables: Trino
    takes no such subquery in ON.

    `arg_dict.only`, a condition on the table's own columns, leaves all other rows, computed and old, for another
    statement: Athena writes no more than 100 partitions in one.
#}
{% macro default__get_incremental_replace_sql(arg_dict) -%}
    {%- set target = arg_dict.target_relation -%}
    {%- set source = arg_dict.temp_relation -%}
    {%- set columns = arg_dict.dest_columns | map(attribute='quoted') | list -%}
    {%- set unique_key = arg_dict.unique_key -%}
    {%- set key = unique_key or config.get('meta', {}).get('key', []) -%}
    {%- set key = [key] if key is string else key -%}
    {%- set only = arg_dict.get('only', 'true') -%}
    {%- set gone = [] -%}
    {%- set partitions = [] -%}
    {%- set replaced = replaced_rows(target) -%}
    {%- if replaced != 'false' -%}
        {%- if not key and 'select' in replaced -%}
            {{ exceptions.raise_compiler_error(
                "incremental strategy replace: meta.replaces of " ~ model.name ~ " asks other tables: "
                ~ "say the model's key as unique_key or meta.key"
            ) }}
        {%- endif -%}
        {%- if key -%}
            {%- do gone.append('select distinct ' ~ key | join(', ') ~ ' from ' ~ target ~ ' where ' ~ replaced) -%}
        {%- endif -%}
        {%- do partitions.append(replaced_partitions(target, replaced)) -%}
    {%- endif -%}
    {%- if unique_key -%}
        {%- set computed = computed_partitions(source) | trim -%}
        {%- if computed != 'false' -%}
            {%- do gone.append('select ' ~ key | join(', ') ~ ' from ' ~ source) -%}
            {%- do partitions.append(computed) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if not partitions %}
    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ source }} where {{ only }}
    {%- else %}
    merge into {{ target }} as old
    using (
        {#- Names of their own: a bare name in a condition is the old row's. #}
        select
            {%- for column in columns %}
            {{ column }} as new_{{ loop.index }},
            {%- endfor %}
            {%- for column in key or ['all'] %}
            null as gone_{{ loop.index }},
            {%- endfor %}
            false as is_gone
        from {{ source }}
        where {{ only }}
        union all
        select
            {%- for column in columns %}
            null,
            {%- endfor %}
            {{ key | join(', ') if key else 1 }},
            true
        {%- if key %}
        from (
            {{ gone | join(' union ') }}
        ) as gone
        {%- endif %}
    ) as new
        on
            {%- if key %}
            {%- for column in key %}
            old.{{ column }} = gone_{{ loop.index }}
            and {% endfor -%}
            {%- else %}
            gone_1 = case when {{ replaced }} then 1 end
            and {% endif -%}
            {#- By partition once more: this is what prunes. #}
            (({{ partitions | join(') or (') }}))
            {%- if only != 'true' %}
            and ({{ only }})
            {%- endif %}
    when matched then delete
    when not matched and not is_gone then insert ({{ columns | join(', ') }})
        values ({% for column in columns %}new_{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif %}
{%- endmacro %}


{# The condition that meta.replaces names, on the rows of the model's own table. #}
{% macro replaced_rows(target) -%}
    {%- set name = config.get('meta', {}).get('replaces') -%}
    {%- if name -%}
        {{ context['replaces_' ~ name](target) | trim }}
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{#
    A simpler condition that holds for all rows that meta.replaces names: the macro `partitions_<name>`, else the
    condition itself when it asks no other table, else nothing is known.
#}
{% macro replaced_partitions(target, replaced) -%}
    {%- set macro_name = 'partitions_' ~ config.get('meta', {}).get('replaces') -%}
    {%- if macro_name in context -%}
        {{ context[macro_name](target) | trim }}
    {%- elif 'select' not in replaced -%}
        {{ replaced }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{# The dates of the first partition column in the computed rows: only these partitions are looked at. #}
{% macro computed_partitions(source) -%}
    {%- set partitioned_by = config.get('partitioned_by') -%}
    {%- if not partitioned_by -%}
        true
    {%- else -%}
        {%- set column = partitioned_by[0] -%}
        {%- set rows = run_query('select distinct cast(' ~ column ~ ' as varchar) from ' ~ source).rows -%}
        {{ in_dates(rows | map(attribute=0) | sort | list, column) }}
    {%- endif -%}
{%- endmacro %}


{# The rows of the batches themselves: staging. #}
{% macro replaces_new_raw_batches(target) -%}
    {{ in_batches(new_raw_batches(config.get('meta').get('dataset', 'web_events'))) }}
{%- endmacro %}

{# The rows of the batches that the new ones touch. #}
{% macro replaces_batches(target) -%}
    {{ in_batches(new_batches(config.get('meta').get('dataset', 'web_events'))) }}
{%- endmacro %}

{# The rows of the event dates that the new batches touch. #}
{% macro replaces_event_dates(target) -%}
    {{ in_event_dates(new_batches()) }}
{%- endmacro %}

{# Everything, when there is anything new: for small tables. #}
{% macro replaces_all(target) -%}
    {{ 'true' if new_batches(config.get('meta').get('dataset', 'web_events')).batches else 'false' }}
{%- endmacro %}

{# The rows of the events that have a copy in the new batches. #}
{% macro replaces_touched_identities(target) -%}
    {%- set new = new_batches() -%}
    {%- if not new.event_dates -%}
        false
    {%- else -%}
        {{ in_event_dates(new) }}
        and (
            {{ in_window(new.window) }}
            or (event_id, event_date) in (select event_id, event_date from ({{ touched_copies(new) }}) as copies)
        )
    {%- endif -%}
{%- endmacro %}

{% macro partitions_touched_identities(target) -%}
    {{ in_event_dates(new_batches()) }}
{%- endmacro %}

{# The sessions that the new batches can change. #}
{% macro replaces_touched_sessions(target) -%}
    {%- set new = new_batches() -%}
    {%- if not new.event_dates -%}
        false
    {%- else -%}
        {{ in_dates(session_dates(target, new), 'session_date') }}
        and (
            {{ in_window(new.window, 'session_date') }}
            or session_id in (select session_id from ({{ touched_sessions(target, new) }}) as sessions)
        )
    {%- endif -%}
{%- endmacro %}

{% macro partitions_touched_sessions(target) -%}
    {{ in_dates(session_dates(target, new_batches()), 'session_date') }}
{%- endmacro %}

{# The visitors of the events that have a copy in the new batches. #}
{% macro replaces_touched_visitors(target) -%}
    {%- set new = new_batches() -%}
    {%- if not new.event_dates -%}
        false
    {%- else -%}
        visitor_id in (select visitor_id from ({{ touched_copies(new) }}) as copies)
    {%- endif -%}
{%- endmacro %}

{# The products of the events that have a copy in the new batches. #}
{% macro replaces_touched_products(target) -%}
    {%- set new = new_batches() -%}
    {%- if not new.event_dates -%}
        false
    {%- else -%}
        product_id in (select product_id from ({{ touched_copies(new) }}) as copies)
    {%- endif -%}
{%- endmacro %}

{# The products that the new catalog batches name. #}
{% macro replaces_touched_catalog_products(target) -%}
    {%- set new = new_batches('products') -%}
    {%- if not new.batches -%}
        false
    {%- else -%}
        product_id in (select product_id from {{ ref('stg_products') }} where {{ in_batches(new) }})
    {%- endif -%}
{%- endmacro %}

{# The counts of the batches and event dates that the new batches touch. #}
{% macro replaces_batch_counts(target) -%}
    {%- set new = new_batches() -%}
    {{ in_event_dates(new) }} or (event_date is null and {{ in_batches(new) }})
{%- endmacro %}

{# The objects of the new batches, in whatever version. #}
{% macro replaces_touched_objects(target) -%}
    {%- set new = new_batches(none) -%}
    {%- if not new.batches -%}
        false
    {%- else -%}
        source_uri in (select source_uri from {{ source('raw', 'load_batches') }} where {{ in_batches(new) }})
    {%- endif -%}
{%- endmacro %}
