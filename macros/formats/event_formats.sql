{#
    The event formats that staging accepts. This is the one place where they are described: each format is a macro of
    this file with its keys, the JSON paths where it keeps each field, and where its public description is.

    Of several paths the first that holds a text or a number wins. `path[0]` is the first element of a list. MongoDB's
    wrappers ({"$date": …}) and JSON that is held as text count as what is in them: see readable_json.

    A new format needs: its macro here, its line in `described_formats` and in `event_format_name`, and a unit test of
    stg_web_events. docs/formats.md shows how.
#}

{# The formats by name, in the order in which their share of all events usually falls. #}
{% macro described_formats() -%}
    {{ return({
        'nested': nested_format(),
        'legacy': legacy_format(),
        'clickstream': clickstream_format(),
        'commerce': commerce_format(),
        'web_shop': web_shop_format(),
        'segment': segment_format(),
        'ga4': ga4_format(),
        'snowplow': snowplow_format(),
        'amplitude': amplitude_format(),
        'rees46': rees46_format(),
    }) }}
{%- endmacro %}


{# Tours, one event as the tracker sent it: what describes the event is in `properties`. #}
{% macro legacy_format() -%}
    {{ return(dict(tracker_properties('properties.'),
        event_type=['type'],
        event_name=['event', 'name'],
        anonymous_id=['anonymousId'],
        user_id=['userId'],
        source_session_id=['sessionId'],
        user_agent=['userAgent', 'properties.userAgent'],
    )) }}
{%- endmacro %}

{# Tours out of MongoDB: the tracker's event is in `eventData`. #}
{% macro nested_format() -%}
    {{ return(dict(tracker_properties('eventData.properties.'),
        event_time=['eventTimestamp'],
        event_type=['eventData.type'],
        event_name=['eventData.event', 'eventData.name'],
        anonymous_id=['metadata.anonymousId', 'eventData.anonymousId'],
        user_id=['eventData.userId'],
        source_session_id=['metadata.sessionId', 'eventData.sessionId', 'eventData.properties.sessionId'],
        user_agent=['metadata.userAgent', 'eventData.properties.userAgent'],
        source_device_type=['metadata.deviceType', 'eventData.properties.deviceType'],
        source_country=['metadata.country', 'eventData.properties.country'],
    )) }}
{%- endmacro %}

{# A shop's events, flat. #}
{% macro commerce_format() -%}
    {{ return(dict(shop_fields([]),
        event_type=['event_type'],
        user_id=['user_id'],
        source_session_id=['session_id'],
        page_url=['page_url'],
        referrer_url=['referrer_url'],
        user_agent=['user_agent'],
        source_country=['country'],
    )) }}
{%- endmacro %}

{# Clicks of a site; what is known of the product may be in `metadata`. #}
{% macro clickstream_format() -%}
    {{ return(dict(shop_fields(['metadata.']),
        event_time=['event_timestamp'],
        event_type=['event_type', 'action'],
        user_id=['user_id'],
        source_session_id=['session_id'],
        page_url=['page_url'],
        referrer_url=['referrer_url'],
        user_agent=['user_agent', 'metadata.user_agent'],
        source_device_type=['device_type'],
        source_country=['metadata.country', 'country'],
    )) }}
{%- endmacro %}

{# A web shop's log. #}
{% macro web_shop_format() -%}
    {{ return(dict(shop_fields([]),
        event_type=['event_type'],
        user_id=['customer_id'],
        source_session_id=['session_id'],
        page_url=['page'],
        referrer_url=['referrer'],
        user_agent=['user_agent'],
        source_device_type=['device'],
        source_country=['country'],
    )) }}
{%- endmacro %}

{#
    Segment (also RudderStack, Jitsu and others that follow its spec): calls with a `context`, as they are forwarded
    or archived, and their flat snake_case columns in a warehouse.
    segment.com/docs/connections/spec: common fields, page, screen, track, e-commerce
#}
{% macro segment_format() -%}
    {%- set properties = tracker_properties('properties.') -%}
    {{ return(dict(properties,
        own_event_id=['messageId', 'message_id'],
        event_time=['timestamp', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at', 'receivedAt', 'received_at'],
        event_type=['type'],
        event_name=['event', 'name'],
        anonymous_id=['anonymousId', 'anonymous_id'],
        user_id=['userId', 'user_id'],
        source_session_id=['sessionId', 'properties.sessionId', 'context.sessionId', 'context.session_id'],
        page_url=['properties.url', 'context.page.url', 'context_page_url'],
        referrer_url=['properties.referrer', 'context.page.referrer', 'context_page_referrer'],
        user_agent=['properties.userAgent', 'context.userAgent', 'context_user_agent'],
        ip_address=['context.ip', 'context_ip'],
        source_device_type=['properties.deviceType', 'context.device.type', 'context_device_type'],
        source_country=['properties.country', 'context.location.country', 'context_location_country'],
        utm_source=['properties.utm_source', 'context.campaign.source', 'context_campaign_source'],
        utm_medium=['properties.utm_medium', 'context.campaign.medium', 'context_campaign_medium'],
        utm_campaign=['properties.utm_campaign', 'context.campaign.name', 'context_campaign_name'],
        utm_term=['properties.utm_term', 'context.campaign.term', 'context_campaign_term'],
        utm_content=['properties.utm_content', 'context.campaign.content', 'context_campaign_content'],
        search_query=['properties.query', 'properties.searchQuery', 'properties.search_query'],
    )) }}
{%- endmacro %}

{#
    Google Analytics 4's export to BigQuery, a row as JSON. `event_params` is a list of keys and typed values.
    support.google.com/analytics/answer/7029846 (BigQuery Export schema)
#}
{% macro ga4_format() -%}
    {{ return({
        'event_time': ['event_timestamp'],
        'event_type': ['event_name'],
        'anonymous_id': ['user_pseudo_id'],
        'user_id': ['user_id'],
        'source_session_id': ['event_params.ga_session_id'],
        'page_url': ['event_params.page_location'],
        'referrer_url': ['event_params.page_referrer'],
        'source_device_type': ['device.category'],
        'source_country': ['geo.country'],
        'utm_source': ['collected_traffic_source.manual_source', 'event_params.source'],
        'utm_medium': ['collected_traffic_source.manual_medium', 'event_params.medium'],
        'utm_campaign': ['collected_traffic_source.manual_campaign_name', 'event_params.campaign'],
        'utm_term': ['collected_traffic_source.manual_term', 'event_params.term'],
        'utm_content': ['collected_traffic_source.manual_content', 'event_params.content'],
        'order_value': ['ecommerce.purchase_revenue', 'event_params.value'],
        'search_query': ['event_params.search_term'],
        'lines': ['items'],
    }) }}
{%- endmacro %}

{#
    Snowplow's enriched events as JSON, with the names of its Analytics SDKs.
    docs.snowplow.io: canonical event, analytics SDK, e-commerce schemas
#}
{% macro snowplow_format() -%}
    {%- set action = 'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1.' -%}
    {%- set added = 'unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1.' -%}
    {%- set context = 'contexts_com_snowplowanalytics_snowplow_' -%}
    {{ return({
        'event_time': ['derived_tstamp', 'dvce_created_tstamp', 'collector_tstamp', 'etl_tstamp'],
        'event_type': ['event'],
        'event_name': [action ~ 'type', 'se_action', 'event_name'],
        'anonymous_id': ['domain_userid', context ~ 'client_session_1[0].userId', 'network_userid'],
        'user_id': ['user_id'],
        'source_session_id': ['domain_sessionid', context ~ 'client_session_1[0].sessionId'],
        'page_url': ['page_url'],
        'referrer_url': ['page_referrer'],
        'user_agent': ['useragent'],
        'ip_address': ['user_ipaddress'],
        'source_device_type': ['dvce_type'],
        'source_country': ['geo_country'],
        'utm_source': ['mkt_source'],
        'utm_medium': ['mkt_medium'],
        'utm_campaign': ['mkt_campaign'],
        'utm_term': ['mkt_term'],
        'utm_content': ['mkt_content'],
        'product_id': ['ti_sku', added ~ 'sku'],
        'category': ['ti_category', added ~ 'category'],
        'quantity': ['ti_quantity', added ~ 'quantity'],
        'price': ['ti_price', added ~ 'unitPrice'],
        'order_value': [context ~ 'ecommerce_transaction_1[0].revenue', 'tr_total'],
        'search_query': ['unstruct_event_com_snowplowanalytics_snowplow_site_search_1.terms[0]'],
        'lines': [context ~ 'ecommerce_product_1'],
    }) }}
{%- endmacro %}

{#
    Amplitude's raw export: one JSON object per event.
    amplitude.com/docs/apis/analytics/export; revenue and e-commerce properties of its SDKs
#}
{% macro amplitude_format() -%}
    {%- set properties = 'event_properties.' -%}
    {{ return({
        'own_event_id': ['$insert_id', 'uuid', 'insert_id'],
        'event_time': ['event_time', 'client_event_time', 'server_received_time'],
        'event_type': ['event_type'],
        'anonymous_id': ['device_id', 'amplitude_id'],
        'user_id': ['user_id'],
        'source_session_id': ['session_id'],
        'page_url': [properties ~ '[Amplitude] Page URL', properties ~ 'page_url', properties ~ 'url'],
        'referrer_url': [properties ~ 'referrer', properties ~ '[Amplitude] Referrer', properties ~ 'page_referrer'],
        'user_agent': ['user_agent', properties ~ 'user_agent'],
        'ip_address': ['ip_address'],
        'source_device_type': ['device_type', 'device_family'],
        'source_country': ['country'],
        'utm_source': [properties ~ 'utm_source', 'user_properties.utm_source'],
        'utm_medium': [properties ~ 'utm_medium', 'user_properties.utm_medium'],
        'utm_campaign': [properties ~ 'utm_campaign', 'user_properties.utm_campaign'],
        'utm_term': [properties ~ 'utm_term', 'user_properties.utm_term'],
        'utm_content': [properties ~ 'utm_content', 'user_properties.utm_content'],
        'space_id': [properties ~ 'spaceId', properties ~ 'space_id'],
        'space_name': [properties ~ 'spaceName', properties ~ 'space_name'],
        'space_type': [properties ~ 'spaceType', properties ~ 'space_type'],
        'room_id': [properties ~ 'roomId', properties ~ 'room_id'],
        'room_name': [properties ~ 'roomName', properties ~ 'room_name'],
        'product_id': [properties ~ '$productId', properties ~ 'product_id', properties ~ 'productId'],
        'category': [properties ~ 'category'],
        'quantity': [properties ~ '$quantity', properties ~ 'quantity'],
        'price': [properties ~ '$price', properties ~ 'price'],
        'order_value': [properties ~ '$revenue', properties ~ 'revenue', properties ~ 'total', properties ~ 'value'],
        'search_query': [properties ~ 'search_query', properties ~ 'query'],
        'lines': [properties ~ 'products', properties ~ 'items'],
    }) }}
{%- endmacro %}

{#
    REES46's open CSV data of a multi category store: a row is one piece of a product.
    kaggle.com/datasets/mkechinov/ecommerce-behavior-data-from-multi-category-store
#}
{% macro rees46_format() -%}
    {{ return({
        'event_time': ['event_time'],
        'event_type': ['event_type'],
        'user_id': ['user_id'],
        'source_session_id': ['user_session'],
        'product_id': ['product_id'],
        'category': ['category_code', 'category_id'],
        'price': ['price'],
        'quantity': ['quantity'],
    }) }}
{%- endmacro %}

{# What a format means where its records say nothing: {field: {format: text}}. #}
{% macro event_constants() -%}
    {{ return({'quantity': {'rees46': '1'}}) }}
{%- endmacro %}


{# The fields that trackers keep in `properties`. #}
{% macro tracker_properties(prefix) -%}
    {%- set names = {
        'page_url': ['url'],
        'referrer_url': ['referrer'],
        'user_agent': ['userAgent'],
        'source_device_type': ['deviceType'],
        'source_country': ['country'],
        'utm_source': ['utm_source'],
        'utm_medium': ['utm_medium'],
        'utm_campaign': ['utm_campaign'],
        'utm_term': ['utm_term'],
        'utm_content': ['utm_content'],
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
        'order_value': ['revenue', 'total', 'value'],
        'search_query': ['searchQuery', 'search_query'],
        'lines': ['products', 'items'],
    } -%}
    {{ return(below([prefix], names)) }}
{%- endmacro %}

{# The fields of a shop's flat events, each also below the prefixes, which come first. #}
{% macro shop_fields(prefixes) -%}
    {%- set names = {
        'product_id': ['product_id'],
        'category': ['category'],
        'quantity': ['quantity'],
        'price': ['price'],
        'order_value': ['revenue', 'total', 'value'],
        'search_query': ['search_query'],
    } -%}
    {{ return(dict(below(prefixes + [''], names), lines=['products', 'items'])) }}
{%- endmacro %}

{# {field: paths} with each name below each prefix. #}
{% macro below(prefixes, names) -%}
    {%- set fields = {} -%}
    {%- for field, own_names in names.items() -%}
        {%- set paths = fields.setdefault(field, []) -%}
        {%- for prefix in prefixes -%}
            {%- for name in own_names -%}
                {%- do paths.append(prefix ~ name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}

{# What is looked at in every format, after its own paths. #}
{% macro paths_of_any_format() -%}
    {{ return({
        'own_event_id': ['_id', 'messageId', 'event_id', 'click_id'],
        'event_time': ['timestamp'],
    }) }}
{%- endmacro %}

{#
    Where the time is looked for in records of any format that have none where the format has it: when it happened, when
    it was written down, when it was sent, when it was received.
#}
{% macro other_event_times() -%}
    {{ return([
        'event_timestamp', 'eventTimestamp', 'event_time', 'eventTime', 'originalTimestamp', 'created_at', 'time', 'ts',
        'sentAt', 'receivedAt', 'collector_tstamp',
    ]) }}
{%- endmacro %}

{#
    {format: {field: paths}} of all formats, with the paths of any format and those of a property of one's own
    (own_columns).
#}
{% macro event_formats() -%}
    {%- set formats = described_formats() -%}
    {%- for name, fields in formats.items() -%}
        {%- for field, paths in paths_of_any_format().items() -%}
            {%- set own = fields.get(field, []) -%}
            {%- do fields.update({field: own + (paths | reject('in', own) | list)}) -%}
        {%- endfor -%}
        {%- for column in own_columns() -%}
            {%- do fields.update({column.name: column.paths.get(name, []) + column.paths.get('any', [])}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(formats) }}
{%- endmacro %}


{#
    The name of a record's format from the keys it has; null when no format is recognised. `kinds` is json_kinds of
    event_format_keys. A key with a null counts as missing. The first line that applies decides, so every record has one
    format or none; docs/formats.md has the same order in words.
#}
{% macro event_format_name(kinds) -%}
    case
        when {{ kind_of_key(kinds, 'eventData') }} = 'OBJECT' then 'nested'
        when {{ has_any_key(kinds, ['collector_tstamp']) }} and {{ has_any_key(kinds, ['event', 'event_name']) }}
            then 'snowplow'
        when {{ has_any_key(kinds, ['event_name']) }} and {{ has_any_key(kinds, ['event_params', 'user_pseudo_id']) }}
            then 'ga4'
        when {{ has_any_key(kinds, ['event_type']) }}
            and {{ has_any_key(kinds, ['amplitude_id', 'event_properties', '$insert_id']) }}
            then 'amplitude'
        when {{ has_any_key(kinds, ['event_type']) }} and {{ has_any_key(kinds, ['user_session']) }} then 'rees46'
        when {{ has_any_key(kinds, ['action']) }} then 'clickstream'
        when {{ has_any_key(kinds, ['event_type']) }}
            then case
                when {{ has_any_key(kinds, ['event_timestamp', 'device_type', 'page_url', 'referrer_url', 'metadata']) }}
                    then 'clickstream'
                when {{ has_any_key(kinds, ['customer_id', 'page', 'device']) }} then 'web_shop'
                else 'commerce'
            end
        when {{ has_any_key(kinds, ['type']) }}
            then case
                when {{ has_any_key(kinds, [
                    'context', 'originalTimestamp', 'original_timestamp', 'sentAt', 'sent_at', 'receivedAt', 'received_at',
                    'integrations',
                ]) }}
                    then 'segment'
                else 'legacy'
            end
    end
{%- endmacro %}

{# The keys that tell the formats and the envelopes apart, in the order of `event_format_name`'s array. #}
{% macro event_format_keys() -%}
    {{ return([
        'eventData', 'type', 'event_type', 'action', 'event_timestamp', 'device_type', 'page_url', 'referrer_url',
        'metadata', 'customer_id', 'page', 'device', 'context', 'originalTimestamp', 'original_timestamp', 'sentAt',
        'sent_at', 'receivedAt', 'received_at', 'integrations', 'collector_tstamp', 'event', 'event_name',
        'event_params', 'user_pseudo_id', 'amplitude_id', 'event_properties', '$insert_id', 'user_session',
        'data', 'kinesis.data', 'batch',
    ]) }}
{%- endmacro %}

{# The kind of value at a key, see json_kinds. #}
{% macro kind_of_key(kinds, key) -%}
    {{ kinds }}[{{ event_format_keys().index(key) + 1 }}]
{%- endmacro %}

{# Whether a record has a value other than null at one of some keys; `kinds` is json_kinds of event_format_keys. #}
{% macro has_any_key(kinds, keys) -%}
    {%- set conditions = [] -%}
    {%- for key in keys -%}
        {%- do conditions.append('coalesce(' ~ kind_of_key(kinds, key) ~ ", 'NULL') <> 'NULL'") -%}
    {%- endfor -%}
    ({{ conditions | join(' or ') }})
{%- endmacro %}


{#
    Where each field stands in the array of texts: {field: positions}, from 1. A field has as many as the format with the
    most paths for it needs, so a position means the same in all formats. Lists come first (see json_texts), then what
    the formats need in their order: what only later formats have is not looked for in records of the first ones.
#}
{% macro event_field_positions() -%}
    {%- set formats = event_formats() -%}
    {%- set positions = {'lines': [1, 2]} -%}
    {%- set next = namespace(position=3) -%}
    {%- for fields in formats.values() -%}
        {%- for field, paths in fields.items() -%}
            {%- set own = positions.setdefault(field, []) -%}
            {%- for number in range(own | length, paths | length) -%}
                {%- do own.append(next.position) -%}
                {%- set next.position = next.position + 1 -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(positions) }}
{%- endmacro %}


{# All texts of a record in one pass, by its format: the array that event_fields reads. #}
{% macro event_texts(json, format='source_format') -%}
    {%- set positions = event_field_positions() -%}
    {%- set paths_by_format = {} -%}
    {%- for name, fields in event_formats().items() -%}
        {%- set paths = {} -%}
        {%- for field, field_paths in fields.items() -%}
            {%- for path in field_paths -%}
                {%- do paths.update({positions[field][loop.index0]: path}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set in_order = [] -%}
        {%- for position in range(1, paths.keys() | max + 1) -%}
            {%- do in_order.append(paths.get(position)) -%}
        {%- endfor -%}
        {%- do paths_by_format.update({name: in_order}) -%}
    {%- endfor -%}
    {{ json_texts_by(format, json, paths_by_format, lists=2) }}
{%- endmacro %}


{#
    How each field is read out of the array that event_texts made: {field: SQL}. It is the first text of its paths; texts
    that mean "missing" for an id alone (missing_texts) are left out. `lines` is the SQL of each list that may hold them.
#}
{% macro event_fields(missing, texts='texts') -%}
    {%- set missing_for = {
        'own_event_id': missing.event_id,
        'source_session_id': missing.session_id,
        'anonymous_id': missing.visitor_id,
        'user_id': missing.visitor_id,
    } -%}
    {%- set fields = {} -%}
    {%- for field, positions in event_field_positions().items() -%}
        {%- set choices = [] -%}
        {%- for position in positions -%}
            {%- set text = array_element(texts, position) -%}
            {%- do choices.append(
                'case when ' ~ text ~ ' not in (' ~ sql_texts(missing_for[field]) ~ ') then ' ~ text ~ ' end'
                if missing_for.get(field) else text
            ) -%}
        {%- endfor -%}
        {%- for format, text in event_constants().get(field, {}).items() -%}
            {%- do choices.append("case when source_format = '" ~ format ~ "' then '" ~ text ~ "' end") -%}
        {%- endfor -%}
        {%- if field == 'lines' -%}
            {%- do fields.update({field: choices}) -%}
        {%- elif choices | length == 1 -%}
            {%- do fields.update({field: choices[0]}) -%}
        {%- else -%}
            {%- do fields.update({field: 'coalesce(' ~ choices | join(', ') ~ ')'}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(fields) }}
{%- endmacro %}

{# When a record says that its event happened, as text: `own` is where its format has it. #}
{% macro event_time_text(own, json) -%}
    coalesce({{ own }}, case when {{ own }} is null then {{ first_text(json_texts(json, other_event_times())) }} end)
{%- endmacro %}


{# The texts that mean "missing", of the seed missing_values: {for which fields: texts}. #}
{% macro missing_texts() -%}
    {%- set texts = {'everything': [], 'event_id': [], 'session_id': [], 'visitor_id': []} -%}
    {%- for text, missing_for in seed_rows('missing_values', ['missing_text', 'missing_for']) -%}
        {#- Without its apostrophes. #}
        {%- do texts[missing_for].append(text[1:-1]) -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}

{#
    The names of the objects and lists in which fields are, by depth: those of the record (`eventData`), those in them
    (`properties`), and so on. Text that holds JSON counts as that there.
#}
{% macro event_objects() -%}
    {%- set names = [] -%}
    {%- for fields in event_formats().values() -%}
        {%- for field, paths in fields.items() -%}
            {%- for path in paths -%}
                {%- set keys = path.split('.') -%}
                {%- for key in (keys if field == 'lines' else keys[:-1]) -%}
                    {%- if names | length == loop.index0 -%}
                        {%- do names.append([]) -%}
                    {%- endif -%}
                    {%- set name = modules.re.sub('\\[[0-9]+\\]$', '', key) -%}
                    {%- if name not in names[loop.index0] -%}
                        {%- do names[loop.index0].append(name) -%}
                    {%- endif -%}
                {%- endfor -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# The keys of the record itself that hold a time in some format. #}
{% macro event_time_keys() -%}
    {%- set keys = [] -%}
    {%- for fields in event_formats().values() -%}
        {%- for path in fields['event_time'] if '.' not in path and path not in keys -%}
            {%- do keys.append(path) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return((keys + other_event_times()) | unique | sort) }}
{%- endmacro %}


{# The objects in a record whose keys are looked at for drift; '' is the record itself. #}
{% macro event_containers() -%}
    {{ return([
        '', 'properties', 'metadata', 'eventData', 'eventData.properties', 'context', 'event_properties',
        'event_params',
    ]) }}
{%- endmacro %}

{# All keys of a record as one text, a line each (`properties.url`); `key_lists` is json_keys of event_containers. #}
{% macro event_keys(key_lists) -%}
    {%- set texts = [] -%}
    {%- for container in event_containers() -%}
        {%- do texts.append(prefixed_lines(key_lists ~ '[' ~ loop.index ~ ']', container ~ '.' if container else '')) -%}
    {%- endfor -%}
    nullif({{ long_concat(texts, 'chr(10)') }}, '')
{%- endmacro %}
