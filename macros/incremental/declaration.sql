{#
    What a model declares, once: by what it is rebuilt.

        config(meta={'rebuild_by': 'event_date'})

    The value is a column of the model, of type text, date or whole number: when rows of a model that it reads change,
    the rows with their values of this column, old and new, are computed again and take the place of the old ones. So
    the one promise is: a row depends only on rows, of the models read, that have the same value of this column.

    Models that are read and do not have the column rebuild everything when they change, unless they are named in
    `lookups`: changes of these reach only rows that are rebuilt for another reason.

        config(meta={'rebuild_by': 'event_date', 'lookups': ['dim_products']})

    Where a row follows from that column's value alone, whatever else the records say, `computed_once` leaves the values
    alone that the table has: they are computed again only when the model's code or its seeds change, and then all of
    them, of which the rows that differ are written.

        config(meta={'rebuild_by': 'user_agent', 'computed_once': true})

    Without a declaration a model is rebuilt as a whole. What stays hard has a name of its own instead of a column:
    `new_batches`, `event_identity`, `session_reach` (macros of these names below macros/incremental/units), `nothing`.
#}

{% macro rebuilt_by(node) -%}
    {{ return((node.config.get('meta') or {}).get('rebuild_by', 'everything')) }}
{%- endmacro %}

{# Whether a model's rows are computed when their unit is first seen, and then only when its code or seeds change. #}
{% macro is_computed_once(node) -%}
    {{ return((node.config.get('meta') or {}).get('computed_once', false)) }}
{%- endmacro %}

{# The columns that hard units ask of the models they read. #}
{% macro columns_of_unit(unit) -%}
    {{ return({
        'everything': [],
        'nothing': [],
        'new_batches': [],
        'event_identity': ['batch_id', 'event_date'],
        'session_reach': ['event_date', 'visitor_id'],
    }.get(unit, [unit])) }}
{%- endmacro %}

{# The columns by which a model's table is partitioned. #}
{% macro partition_columns(node) -%}
    {%- set columns = [] -%}
    {%- for part in node.config.get('partitioned_by') or [] -%}
        {%- do columns.append(modules.re.sub('^.*[(]|[,)].*$', '', part) | trim) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}

{# The date column by which a model's table is partitioned first, else none. #}
{% macro date_partition(node) -%}
    {%- set first = partition_columns(node) | first | default('', true) -%}
    {{ return(first if first.endswith('_date') else none) }}
{%- endmacro %}


{# The stored models and snapshots whose rows a node reads, also through ephemeral models. #}
{% macro models_read(node) -%}
    {%- set found = [] -%}
    {%- for id in node.depends_on.nodes if id in graph.nodes -%}
        {%- set parent = graph.nodes[id] -%}
        {%- if parent.resource_type == 'model' and parent.config.materialized == 'ephemeral' -%}
            {%- do found.extend(models_read(parent)) -%}
        {%- elif parent.resource_type in ('model', 'snapshot') -%}
            {%- do found.append(parent.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found | unique | list) }}
{%- endmacro %}


{# Refuse as dbt parses what could not be built, or would be built wrong. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if node and node.resource_type == 'model' and node.package_name == project_name -%}
        {%- if node.config.materialized not in ('incremental', 'ephemeral') -%}
            {{ exceptions.raise_compiler_error(
                'Model ' ~ node.name ~ " is materialized as '" ~ node.config.materialized ~ "'. A model of this project "
                ~ "is an Iceberg table, which the default 'incremental' makes, or 'ephemeral': take the setting out"
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(default__generate_alias_name(custom_alias_name, node)) }}
{%- endmacro %}
