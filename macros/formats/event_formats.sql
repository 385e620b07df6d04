{#
    The event formats that staging accepts: for each field, the JSON paths where each format keeps it.

    This is the one place where a format is described. Of several paths the first that holds a text or a number
    wins. A new format needs: its line in `event_format_name`, its paths here, and a unit test of stg_web_events.
    Paths in `any` are looked at for every format, after the format's own.
#}
{% macro event_formats() -%}
    {%- set properties = {
        'page_url': ['url'],
        'referrer_url': ['referrer'],
        'user_agent': ['userAgent'],
        'source_device_type': ['deviceType'],
        'source_country': ['country'],
        'space_id': ['spaceId'],
        'space_name': ['spaceName'],
        'space_type': ['spaceType'],
        'room_id': ['roomId'],
        'room_name': ['roomName'],
        'community': ['community'],
        'building': ['building'],
        'floorplan': ['floorplan'],
        'pitch': ['coordinates.pitch'],
        'yaw': ['coordinates.yaw'],
        'hfov': ['coordinates.hfov'],
        'product_id': ['productId', 'product_id'],
        'category': ['category'],
        'quantity': ['quantity'],
        'price': ['price'],
        'search_query': ['searchQuery', 'search_query'],
    } -%}
    {%- set fields = {
        'own_event_id': {'any': ['_id.$oid', 'messageId', 'event_id', 'click_id']},
        'event_time': {
            'nested': ['eventTimestamp.$date', 'eventTimestamp.$date.$numberLong', 'eventTimestamp'],
            'clickstream': ['event_timestamp', 'event_timestamp.$date', 'event_timestamp.$date.$numberLong'],
            'any': ['timestamp', 'timestamp.$date', 'timestamp.$date.$numberLong'],
        },
        'event_type': {
            'legacy': ['type'],
            'nested': ['eventData.type'],
            'clickstream': ['event_type', 'action'],
            'commerce': ['event_type'],
            'web_shop': ['event_type'],
        },
        'event_name': {'legacy': ['event', 'name'], 'nested': ['eventData.event', 'eventData.name']},
        'anonymous_id': {
            'legacy': ['anonymousId'],
            'nested': ['metadata.anonymousId', 'eventData.anonymousId'],
        },
        'user_id': {
            'legacy': ['userId'],
            'nested': ['eventData.userId'],
            'clickstream': ['user_id'],
            'commerce': ['user_id'],
            'web_shop': ['customer_id'],
        },
        'source_session_id': {
            'legacy': ['sessionId'],
            'nested': ['metadata.sessionId', 'eventData.sessionId', 'eventData.properties.sessionId'],
            'clickstream': ['session_id'],
            'commerce': ['session_id'],
            'web_shop': ['session_id'],
        },
        'page_url': {'clickstream': ['page_url'], 'commerce': ['page_url'], 'web_shop': ['page']},
        'referrer_url': {'clickstream': ['referrer_url'], 'commerce': ['referrer_url'], 'web_shop': ['referrer']},
        'user_agent': {
            'legacy': ['userAgent'],
            'nested': ['metadata.userAgent'],
            'clickstream': ['user_agent', 'metadata.user_agent'],
            'commerce': ['user_agent'],
            'web_shop': ['user_agent'],
        },
        'source_device_type': {
            'nested': ['metadata.deviceType'],
            'clickstream': ['device_type'],
            'web_shop': ['device'],
        },
        'source_country': {
            'nested': ['metadata.country'],
            'clickstream': ['metadata.country', 'country'],
            'commerce': ['country'],
            'web_shop': ['country'],
        },
        'product_id': {
            'clickstream': ['metadata.product_id', 'product_id'],
            'commerce': ['product_id'],
            'web_shop': ['product_id'],
        },
        'category': {'clickstream': ['metadata.category', 'category'], 'commerce': ['category'], 'web_shop': ['category']},
        'quantity': {'clickstream': ['metadata.quantity', 'quantity'], 'commerce': ['quantity'], 'web_shop': ['quantity']},
        'price': {'clickstream': ['metadata.price', 'price'], 'commerce': ['price'], 'web_shop': ['price']},
        'search_query': {
            'clickstream': ['metadata.search_query', 'search_query'],
            'commerce': ['search_query'],
            'web_shop': ['search_query'],
        },
    } -%}
    {#- Legacy and nested events keep what they describe in `properties`. -#}
    {%- for field, names in properties.items() -%}
        {%- set formats = fields.setdefault(field, {}) -%}
        {%- for format, prefix in [('legacy', 'properties.'), ('nested', 'eventData.properties.')] -%}
            {%- set own = formats.setdefault(format, []) -%}
            {%- for name in names -%}
                {%- do own.append(prefix ~ name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}


{# The keys that tell the formats apart, in the order of `event_format_name`'s array. #}
{% macro event_format_keys() -%}
    {{ return([
        'eventData', 'action', 'event_type', 'event_timestamp', 'device_type', 'page_url', 'referrer_url',
        'metadata', 'customer_id', 'page', 'device', 'type', 'data', 'kinesis.data',
    ]) }}
{%- endmacro %}

{# Whether a record has a value other than null at one of some keys; `kinds` is json_kinds of event_format_keys. #}
{% macro has_any_key(kinds, keys) -%}
    {%- set conditions = [] -%}
    {%- for key in keys -%}
        {%- do conditions.append('coalesce(' ~ kinds ~ '[' ~ (event_format_keys().index(key) + 1) ~ "], 'NULL') <> 'NULL'") -%}
    {%- endfor -%}
    ({{ conditions | join(' or ') }})
{%- endmacro %}

{# The name of a record's format from the keys it has; null when no format is recognised. #}
{% macro event_format_name(kinds) -%}
    case
        when {{ kinds }}[1] = 'OBJECT' then 'nested'
        when {{ has_any_key(kinds, ['action']) }} then 'clickstream'
        when {{ has_any_key(kinds, ['event_type']) }}
            then case
                when {{ has_any_key(kinds, ['event_timestamp', 'device_type', 'page_url', 'referrer_url', 'metadata']) }}
                    then 'clickstream'
                when {{ has_any_key(kinds, ['customer_id', 'page', 'device']) }} then 'web_shop'
                else 'commerce'
            end
        when {{ has_any_key(kinds, ['type']) }} then 'legacy'
    end
{%- endmacro %}


{# The formats by name, in the order in which their share of all events usually falls. #}
{% macro event_format_names() -%}
    {{ return(['nested', 'legacy', 'clickstream', 'commerce', 'web_shop']) }}
{%- endmacro %}


{#
    Where each field stands in the array of texts: {field: (first position, number of positions)}, positions from 1.
    A field has as many as the format with the most paths for it needs, so a position means the same in all formats.
#}
{% macro event_field_positions() -%}
    {%- set positions = {} -%}
    {%- set next = namespace(position=1) -%}
    {%- for field, formats in event_formats().items() -%}
        {%- set widest = namespace(paths=0) -%}
        {%- for name in event_format_names() -%}
            {%- set paths = formats.get(name, []) + formats.get('any', []) -%}
            {%- set widest.paths = [widest.paths, paths | length] | max -%}
        {%- endfor -%}
        {%- do positions.update({field: (next.position, widest.paths)}) -%}
        {%- set next.position = next.position + widest.paths -%}
    {%- endfor -%}
    {{ return(positions) }}
{%- endmacro %}


{# All texts of a record in one pass, by its format: the array that event_field reads. #}
{% macro event_texts(json, format='source_format') -%}
    {%- set formats_by_field = event_formats() -%}
    {%- set positions = event_field_positions() -%}
    case {{ format }}
        {%- for name in event_format_names() %}
        {%- set paths = [] -%}
        {%- for field, formats in formats_by_field.items() -%}
            {%- set own = formats.get(name, []) + formats.get('any', []) -%}
            {%- for number in range(positions[field][1]) -%}
                {%- do paths.append(own[number] if number < own | length else none) -%}
            {%- endfor -%}
        {%- endfor %}
        when '{{ name }}' then {{ json_texts(json, paths) }}
        {%- endfor %}
    end
{%- endmacro %}


{# The text of one field of a record: the first of its paths that holds one. `texts` is what event_texts made. #}
{% macro event_field(field, texts='texts') -%}
    {%- set first, count = event_field_positions()[field] -%}
    {%- if count == 1 -%}
        {{ texts }}[{{ first }}]
    {%- else -%}
        coalesce({% for number in range(count) %}{{ texts }}[{{ first + number }}]{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}


{# The objects in a record whose keys are looked at for drift; '' is the record itself. #}
{% macro event_containers() -%}
    {{ return(['', 'properties', 'metadata', 'eventData', 'eventData.properties']) }}
{%- endmacro %}

{# All keys of a record as one text, a line each (`properties.url`); `key_lists` is json_keys of event_containers. #}
{% macro event_keys(key_lists) -%}
    nullif(
        concat_ws(
            chr(10)
            {%- for container in event_containers() %}
            {%- set keys = 'nullif(' ~ join_texts(key_lists ~ '[' ~ loop.index ~ ']', 'chr(10)') ~ ", '')" %},
            {% if container -%}
            '{{ container }}.' || replace({{ keys }}, chr(10), chr(10) || '{{ container }}.')
            {%- else -%}
            {{ keys }}
            {%- endif -%}
            {%- endfor %}
        ),
        ''
    )
{%- endmacro %}
