{#
    The tables of models that the project does not have any more:

        dbt run-operation drop_deleted_models                          lists them
        dbt run-operation drop_deleted_models --args '{drop: true}'    drops them

    Looks into the schemas of this target's models, seeds and snapshots; never at raw, never at what the manifest knows.
#}
{% macro drop_deleted_models(drop=false) -%}
    {%- set raw = [] -%}
    {%- for source in graph.sources.values() -%}
        {%- do raw.append((source.database, source.schema) | lower) -%}
    {%- endfor -%}
    {%- set known = [] -%}
    {%- set schemas = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') -%}
        {%- do known.append((node.schema ~ '.' ~ node.alias) | lower) -%}
        {%- do schemas.update({node.schema: api.Relation.create(database=node.database, schema=node.schema)}) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for schema in schemas.values() if (schema.database, schema.schema) | lower not in raw -%}
        {%- for name in run_query(tables_of_schema(schema)).rows | map(attribute=0) -%}
            {%- if (schema.schema ~ '.' ~ name) | lower not in known -%}
                {%- do found.append(api.Relation.create(
                    database=schema.database, schema=schema.schema, identifier=name, type='table'
                )) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for relation in found -%}
        {%- if drop -%}
            {%- do adapter.drop_relation(relation) -%}
        {%- endif -%}
        {%- do log(('dropped ' if drop else 'no model has the table ') ~ relation, info=true) -%}
    {%- endfor -%}
    {%- do commit_now() -%}
    {%- do log(found | length ~ (' tables dropped' if drop else ' tables of deleted models'), info=true) -%}
{%- endmacro %}
