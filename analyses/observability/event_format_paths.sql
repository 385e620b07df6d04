-- Where each event format keeps each field. `python -m loaders inspect` finds by it the keys that nothing reads.
{%- set paths = [] %}
{%- for format, fields in event_formats().items() %}
{%- for field, field_paths in dict(fields, source_format=event_format_keys()).items() %}
{%- for path in field_paths + (other_event_times() if field == 'event_time' else []) %}
{%- do paths.append([format, field, path]) %}
{%- endfor %}
{%- endfor %}
{%- endfor %}

with

final as (

    select distinct
        paths.source_format,
        paths.field_name,
        paths.json_path
    from (
        values
        {%- for path in paths %}
        ({{ sql_texts(path) }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as paths (source_format, field_name, json_path)

)

select * from final
order by source_format, field_name, json_path
