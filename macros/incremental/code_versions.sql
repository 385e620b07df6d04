{#
    By which code a model's rows were built. Its table keeps the rows of older code until they are built again, and a
    run says so by name:

        dbt run --full-refresh --select fct_web_events+                     all of it, and what reads it
        dbt run --select fct_web_events+ --vars '{backfill_start: …, …}'    some days
        dbt run-operation accept_code --args '{models: [fct_web_events]}'   it may stay: the change means no other rows

    With `--vars '{on_changed_code: error}'` such a run fails.
#}

{#
    Two marks of a model's code: of its SQL, settings and seeds; and of the SQL that the engine gets, macros included, which
    also names the engine and, of staging on a masked target, the key (refuse_mixed_masking).
#}
{% macro code_marks(compiled_code) -%}
    {%- set seeds = checksums_of_seeds(model) -%}
    {#- What such a model says of a value changes with its seeds, also for rows that read it long ago. -#}
    {%- for id in model.depends_on.nodes if id in graph.nodes and is_computed_once(graph.nodes[id]) -%}
        {%- do seeds.extend(checksums_of_seeds(graph.nodes[id])) -%}
    {%- endfor -%}
    {%- set settings = [model.config.get('meta'), model.config.get('partitioned_by'), model.config.get('unique_key'), seeds] -%}
    {%- set lines = modules.re.sub('\\s+', ' ', compiled_code | replace(invocation_started_at(), 'now')) -%}
    {%- set mark = mark_in_sql(compiled_code) -%}
    {{ return({
        'sql_code': local_md5(modules.re.sub('\\s+', ' ', model.raw_code) ~ tojson(settings, sort_keys=true)),
        'compiled_code': target.type ~ ' ' ~ local_md5(lines | replace(target.schema, 'schema') ~ tojson(settings, sort_keys=true))
            ~ (' ' ~ mark if mark else ''),
    }) }}
{%- endmacro %}

{# The checksums of the seeds that a node reads. #}
{% macro checksums_of_seeds(node) -%}
    {%- set seeds = [] -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes and graph.nodes[id].resource_type == 'seed' -%}
        {%- do seeds.append(graph.nodes[id].checksum.checksum) -%}
    {%- endfor -%}
    {{ return(seeds) }}
{%- endmacro %}

{# Whether the model's rows were built by other code; the compiled SQL is compared with that of the same engine. #}
{% macro code_differs(compiled_code) -%}
    {%- set record = run_books().records.get(model.name) -%}
    {%- if not record or not record.sql_code -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set marks = code_marks(compiled_code) -%}
    {%- if record.compiled_code and record.compiled_code.split(' ')[0] == target.type -%}
        {{ return(marks.compiled_code != record.compiled_code) }}
    {%- endif -%}
    {{ return(marks.sql_code != record.sql_code) }}
{%- endmacro %}

{# Before a model with a table is built: say that it has rows of other code, or refuse with on_changed_code. #}
{% macro tell_changed_code(compiled_code, plan) -%}
    {%- if plan.kind != 'everything' and code_differs(compiled_code) -%}
        {%- set message = model.name ~ ': its code changed, and its rows of before were built by the old one. Build them '
            ~ "again with 'dbt run --full-refresh --select " ~ model.name ~ "+', or a window of days with a back-fill, "
            ~ "or keep them: dbt run-operation accept_code --args '{models: [" ~ model.name ~ "]}'" -%}
        {%- if var('on_changed_code', 'warn') == 'error' -%}
            {{ exceptions.raise_compiler_error(message) }}
        {%- endif -%}
        {%- do exceptions.warn(message) -%}
    {%- endif -%}
{%- endmacro %}

{# After a model was built: its code, where all rows are of it. #}
{% macro note_code(compiled_code, is_whole) -%}
    {%- if is_whole or not (run_books().records.get(model.name) or {}).get('sql_code') -%}
        {%- do run_books().codes.update({model.name: code_marks(compiled_code)}) -%}
    {%- endif -%}
{%- endmacro %}

{# Say of some models that the rows they have are those of today's code: dbt run-operation accept_code. #}
{% macro accept_code(models) -%}
    {%- set records = book('int_built_models') -%}
    {%- for name in models -%}
        {%- do run_query(
            "update " ~ records ~ " set sql_code = null, compiled_code = null where model_name = '" ~ name ~ "'"
        ) -%}
        {%- do log(name ~ ': the next run takes its code as that of its rows', info=true) -%}
    {%- endfor -%}
    {%- do commit_now() -%}
{%- endmacro %}
