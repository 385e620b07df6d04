{#
    Which targets are masked, and by which key: docs/masking.md.

    The variable masked_targets names targets of profiles.yml. The key is the environment's MASKING_KEY. Compiled SQL,
    and with it the manifest, the documentation and the books, has a null in its place and a mark of it; the key is put
    there as a statement goes to the engine.
#}

{# Whether this target's tables hold no personal values. Unit tests look at the code with values that they can name. #}
{% macro is_masked() -%}
    {{ return(target.name in var('masked_targets') and not in_unit_test()) }}
{%- endmacro %}

{# The key; refuses one that could be guessed, or that is no literal of SQL. #}
{% macro masking_key() -%}
    {%- set key = env_var('MASKING_KEY', '') | trim -%}
    {%- if not modules.re.fullmatch('[A-Za-z0-9+/=_-]{32,64}', key) -%}
        {{ exceptions.raise_compiler_error(
            "Target '" ~ target.name ~ "' is masked: set MASKING_KEY to a key of 32 to 64 letters, digits or + / = _ -; "
            ~ "'openssl rand -hex 32' makes one (docs/masking.md)"
        ) }}
    {%- endif -%}
    {{ return(key) }}
{%- endmacro %}

{# What tells one key from another, and says nothing of it. #}
{% macro masking_mark() -%}
    {{ return(local_md5('masking mark of ' ~ masking_key())[:8]) }}
{%- endmacro %}

{# The key in compiled SQL: a null, by which nothing can be hashed, until key_in_place puts the key there. #}
{% macro masking_key_in_sql() -%}
    {%- set mark = masking_mark() if execute and flags.WHICH in ('run', 'build', 'retry') else 'none' -%}
    cast(null as varchar) /* masking key {{ mark }} */
{%- endmacro %}

{# The SQL that the engine gets. #}
{% macro key_in_place(sql) -%}
    {%- if mark_in_sql(sql) is none -%}
        {{ return(sql) }}
    {%- endif -%}
    {{ return(sql | replace(masking_key_in_sql(), "'" ~ masking_key() ~ "'")) }}
{%- endmacro %}

{# The mark of the key in compiled SQL; none when that masks nothing. #}
{% macro mark_in_sql(compiled_code) -%}
    {%- set found = modules.re.search('/[*] masking key (\\w+) [*]/', compiled_code) -%}
    {{ return(found.group(1) if found else none) }}
{%- endmacro %}


{#
    Before a run: a masked target needs its key, and its tables may not have rows of two kinds. Also not by a full refresh:
    snapshots, and the old versions that Iceberg keeps of a table, would still show what was there before.
#}
{% macro refuse_mixed_masking(records) -%}
    {%- set mark = masking_mark() if is_masked() else none -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.original_file_path.startswith('models/staging/') -%}
        {%- set other = node.get('defer_relation') -%}
        {%- if other and mark_in_sql(other.compiled_code or '') != mark -%}
            {{ exceptions.raise_compiler_error(
                "Target '" ~ target.name ~ "' and the tables that --defer reads are not masked alike: build without --defer, "
                ~ 'or with the state of a target that has the same MASKING_KEY (docs/masking.md)'
            ) }}
        {%- endif -%}
        {%- set code = (records.get(node.name) or {}).get('compiled_code') -%}
        {%- set built_with = (code.split(' ') + [none])[2] if code else mark -%}
        {%- if built_with != mark -%}
            {{ exceptions.raise_compiler_error(
                "The tables of schema '" ~ target.schema ~ "' were built "
                ~ ('without masking' if built_with is none else 'masked' if mark is none else 'with another MASKING_KEY')
                ~ ', and this run is ' ~ ('not masked' if mark is none else 'masked') ~ ': build into a schema of its own '
                ~ '(DBT_SCHEMA), or drop these tables, snapshots included, and build them anew (docs/masking.md)'
            ) }}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
