{#
    A query of the different values of a staged column, and of what each was before masking: the columns `<column>` and
    `unmasked_<column>`. For what follows from a value that no table may hold, as a browser does from a user agent.
    `records` are rows of stg_web_events.

    On a masked target, one record of each value is read again in raw; the rest of a batch is not.
#}
{% macro unmasked_values(records, column) -%}
    {%- if not is_masked() -%}
    select distinct
        {{ column }},
        {{ column }} as unmasked_{{ column }}
    from {{ records }}
    {%- else -%}
    {%- do ref('missing_values') -%}
    {%- set paths = {} -%}
    {%- for format, fields in event_formats().items() if fields.get(column) -%}
        {%- do paths.update({format: fields[column]}) -%}
    {%- endfor -%}
    with

    places as (

        select
            {{ column }},
            source_format,
            is_enveloped,
            batch_id,
            source_uri,
            source_position,
            row_number() over (partition by {{ column }} order by source_uri, source_position) as place
        from {{ records }}

    ),

    found as (

        select
            places.{{ column }},
            places.source_format,
            places.is_enveloped,
            raw_records.payload,
            {{ canonical_json_object('raw_records.payload') }} as record_json
        from places
        inner join {{ source('raw', 'web_events') }} as raw_records
            on
                places.batch_id = raw_records.batch_id
                and places.source_uri = raw_records.source_uri
                and places.source_position = raw_records.source_position
        where
            places.place = 1
            and {{ touched(on='loaded_at', of='raw_records') }}

    ),

    enveloped as (

        select
            *,
            case
                when record_json is null then {{ bare_envelope('payload') }}
                when is_enveloped then {{ envelope_in('record_json') }}
            end as envelope_data
        from found

    ),

    decoded as (

        select
            *,
            case when envelope_data is not null then {{ decode_base64('envelope_data') }} end as envelope_text
        from enveloped

    ),

    unwrapped as (

        select
            {{ column }},
            source_format,
            case
                when envelope_data is null then record_json
                else {{ canonical_json_object('envelope_text') }}
            end as event_json
        from decoded

    ),

    opened as (

        select
            {{ column }},
            source_format,
            {{ opened_json('event_json', event_objects(), event_time_keys()) }} as opened_json
        from unwrapped

    ),

    readable as (

        select
            {{ column }},
            source_format,
            {{ unwrapped_json('opened_json') }} as read_json
        from opened

    ),

    texts as (

        select
            {{ column }},
            source_format,
            {{ json_without('read_json', missing_texts().everything) }} as text_json
        from readable

    )

    select
        {{ column }},
        {{ first_text(json_texts_by('source_format', 'text_json', paths)) }} as unmasked_{{ column }}
    from texts
    {%- endif -%}
{%- endmacro %}
