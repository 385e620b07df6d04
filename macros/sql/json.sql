{#
    Reading JSON records the same way on every engine.

    The engines disagree on repeated keys, on keys that differ in case, on objects where text is asked and on
    NaN. So a record is first brought to its canonical form (strict syntax, sorted keys, the last of repeated
    keys), and everything is read from that.
#}

{# The canonical text of a JSON object, or null when the text is no JSON object. #}
{% macro canonical_json_object(text) -%}
    {{ return(adapter.dispatch('canonical_json_object')(text)) }}
{%- endmacro %}

{#
    What json_parse accepts and DuckDB's function refuses is left out: lone surrogates, numbers that no double holds,
    and objects nested deeper than 254 levels (a few thousand would end the query, try or not). Each is looked for in
    the text before parsing, since of repeated keys json_parse hides all but the last; keys of more than 50,000
    characters it refuses by itself. The lambda is there to compute `text` once.
#}
{% macro default__canonical_json_object(text) -%}
    {#- What strings hold is no structure and no number. -#}
    {%- set structure = "regexp_replace(record, '\"(?:[^\"\\\\]++|\\\\.)*+\"', '\"')" -%}
    element_at(
        transform(
            array[{{ text }}],
            record -> case
                when not regexp_like(record, '^[ \t\r\n]*\{') then null
                when
                    regexp_like(record, '\\u[dD][89a-fA-F]')
                    and regexp_like(
                        regexp_replace(
                            record, '\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}', ''
                        ),
                        '\\u[dD][89a-fA-F]'
                    )
                    then null
                when
                    regexp_like(record, '[0-9][eE][+]?[0-9]{3}|[0-9]{200}')
                    and any_match(
                        regexp_extract_all({{ structure }}, '[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?'),
                        number -> is_infinite(cast(number as double))
                    )
                    then null
                when
                    length(record) - length(replace(replace(record, '{', ''), '[', '')) > 254
                    and reduce(
                        regexp_extract_all({{ structure }}, '[{}]|\[|\]'),
                        cast(row(0, 0) as row(depth integer, deepest integer)),
                        (state, bracket) -> if(
                            bracket in ('{', '['),
                            cast(
                                row(state.depth + 1, greatest(state.depth + 1, state.deepest))
                                as row(depth integer, deepest integer)
                            ),
                            cast(row(state.depth - 1, state.deepest) as row(depth integer, deepest integer))
                        ),
                        state -> state.deepest
                    ) > 254
                    then null
                else json_format(try(json_parse(record)))
            end
        ),
        1
    )
{%- endmacro %}

{% macro duckdb__canonical_json_object(text) -%}
    canonical_json_object({{ text }})
{%- endmacro %}


{#
    An array with the text at each path of canonical JSON, without blanks around it: null when missing, null, blank, an
    object or an array, and for a path that is none. The first paths, as many as `lists`, are of lists: theirs is the JSON
    text of a list, or something that does not begin with `[`.
#}
{% macro json_texts(json, paths, lists=0) -%}
    {{ return(adapter.dispatch('json_texts')(json, paths, lists)) }}
{%- endmacro %}

{# The same with paths that depend on the value of a column: {value: paths}. #}
{% macro json_texts_by(column, json, paths_by_value, lists=0) -%}
    {{ return(adapter.dispatch('json_texts_by')(column, json, paths_by_value, lists)) }}
{%- endmacro %}

{% macro default__json_texts(json, paths, lists) -%}
    {{ cleaned_texts(json, raw_json_texts(json, paths, lists)) }}
{%- endmacro %}

{% macro default__json_texts_by(column, json, paths_by_value, lists) -%}
    {#- What cleans the texts once, for Athena's limit of the length of a statement. -#}
    {%- set raw -%}
        case {{ column }}
            {%- for value, paths in paths_by_value.items() %}
            when '{{ value }}' then {{ raw_json_texts(json, paths, lists) }}
            {%- endfor %}
        end
    {%- endset -%}
    {{ cleaned_texts(json, raw) }}
{%- endmacro %}

{# Trino: the texts at some paths in one array, the first `lists` of them lists as JSON; numbers as Trino writes them. #}
{% macro raw_json_texts(json, paths, lists) -%}
    array[
        {%- for path in paths -%}
        {%- set json_path = json_path(path) if path is not none -%}
        {%- if path is none -%}
        null
        {%- elif loop.index <= lists -%}
        regexp_extract(json_format(json_extract({{ json }}, '{{ json_path }}')), '^\[(?s:.*)')
        {%- else -%}
        json_extract_scalar({{ json }}, '{{ json_path }}')
        {%- endif -%}
        {{ ', ' if not loop.last }}
        {%- endfor -%}
    ]
{%- endmacro %}

{# Trino: these texts, numbers as DuckDB writes them, and null for blank ones. #}
{% macro cleaned_texts(json, texts) -%}
    transform(
        {{ texts }},
        text -> case
            {#- Only what may be a number that the engines write differently, and is no string in the record. #}
            when
                regexp_like(text, '^-?[0-9][.][0-9]+E-?[0-9]+$')
                and strpos({{ json }}, {{ long_concat(["':'", 'text']) }}) > 0
                then {{ plain_number_text('text') }}
            else nullif({{ trim_blanks('text') }}, '')
        end
    )
{%- endmacro %}

{# A number as DuckDB writes it (with a power of ten only below 1e-6 and from 1e21 on) from Java's 1.5E8. #}
{% macro plain_number_text(text) -%}
    {%- set digits = "regexp_replace(regexp_replace(" ~ text ~ ", 'E.*|[.-]', ''), '0+\\z', '')" -%}
    {%- set exponent = "cast(regexp_extract(" ~ text ~ ", 'E(.*)', 1) as integer)" -%}
    if(starts_with({{ text }}, '-'), '-', '') || case
        {#- Eight subnormal numbers, for which Java writes two digits though one is enough: 4.9E-324 for 5e-324. #}
        when {{ exponent }} in (-324, -323) and {{ digits }} = '99'
            then '1e' || cast({{ exponent }} + 1 as varchar)
        when {{ exponent }} in (-324, -323) and {{ digits }} like '_9'
            then cast(cast(substr({{ digits }}, 1, 1) as integer) + 1 as varchar) || 'e'
                || cast({{ exponent }} as varchar)
        when {{ exponent }} between 0 and 20 and length({{ digits }}) <= {{ exponent }} + 1
            then rpad({{ digits }}, {{ exponent }} + 1, '0') || '.0'
        when {{ exponent }} between 0 and 20
            then substr({{ digits }}, 1, {{ exponent }} + 1) || '.' || substr({{ digits }}, {{ exponent }} + 2)
        when {{ exponent }} between -6 and -1
            then '0.' || rpad('', -1 - {{ exponent }}, '0') || {{ digits }}
        else substr({{ digits }}, 1, 1) || if(length({{ digits }}) > 1, '.', '') || substr({{ digits }}, 2)
            || 'e' || cast({{ exponent }} as varchar)
    end
{%- endmacro %}

{% macro duckdb__json_texts_by(column, json, paths_by_value, lists) -%}
    case {{ column }}
        {%- for value, paths in paths_by_value.items() %}
        when '{{ value }}' then {{ json_texts(json, paths, lists) }}
        {%- endfor %}
    end
{%- endmacro %}

{# `/~` is no pointer: nothing is looked for. #}
{% macro duckdb_path_list(paths) -%}
    [{% for path in paths %}'{{ json_pointer(path) if path else '/~' }}'{{ ', ' if not loop.last }}{% endfor %}]
{%- endmacro %}

{% macro duckdb__json_texts(json, paths, lists) -%}
    {%- set path_list = duckdb_path_list(paths) -%}
    {#- `->>` gives the JSON text of objects: what looks like one is asked for its type. -#}
    list_transform(
        json_extract_string({{ json }}, {{ path_list }}),
        lambda text, i: case
            {#- Most paths hold nothing; a null would be compared in every line below. #}
            when text is null then null
            {#- Nearly all texts, by one look at their first and last bytes: neither blanks nor an object or array. #}
            when text >= '!' and (text < '[' or text >= '\\' and text < '{') and text[-1] > ' ' then text
            {%- if lists %}
            when i <= {{ lists }}
                then case when json_type({{ json }}, {{ duckdb_path_list(paths[:lists]) }}[i]) = 'ARRAY' then text end
            {%- endif %}
            when left(text, 1) in ('{', '[') and json_type({{ json }}, {{ path_list }}[i]) in ('OBJECT', 'ARRAY')
                then null
            else nullif({{ trim_blanks('text') }}, '')
        end
    )
{%- endmacro %}


{# An array with the kind of value at each path of canonical JSON: OBJECT, ARRAY, NULL, a scalar's, or null. #}
{% macro json_kinds(json, paths) -%}
    {{ return(adapter.dispatch('json_kinds')(json, paths)) }}
{%- endmacro %}

{% macro default__json_kinds(json, paths) -%}
    transform(
        array[
            {%- for path in paths %}
            json_extract({{ json }}, '{{ json_path(path) }}'){{ ',' if not loop.last }}
            {%- endfor %}
        ],
        value -> case substr(json_format(value), 1, 1)
            when '{' then 'OBJECT'
            when '[' then 'ARRAY'
            when 'n' then 'NULL'
            else if(value is not null, 'SCALAR')
        end
    )
{%- endmacro %}

{% macro duckdb__json_kinds(json, paths) -%}
    json_type({{ json }}, [{% for path in paths %}'{{ json_pointer(path) }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}


{# Whether one of some paths of canonical JSON holds an object or an array. #}
{% macro has_any_object(json, paths) -%}
    {{ return(adapter.dispatch('has_any_object')(json, paths)) }}
{%- endmacro %}

{% macro default__has_any_object(json, paths) -%}
    any_match({{ json_kinds(json, paths) }}, kind -> coalesce(kind in ('OBJECT', 'ARRAY'), false))
{%- endmacro %}

{% macro duckdb__has_any_object(json, paths) -%}
    list_has_any({{ json_kinds(json, paths) }}, ['OBJECT', 'ARRAY'])
{%- endmacro %}


{# An array with, for each path of canonical JSON, the array of the keys of the object there, or null. #}
{% macro json_keys(json, paths) -%}
    {{ return(adapter.dispatch('json_keys')(json, paths)) }}
{%- endmacro %}

{% macro default__json_keys(json, paths) -%}
    array[
        {%- for path in paths %}
        map_keys(try_cast(json_extract({{ json }}, '{{ json_path(path) }}') as map(varchar, json)))
        {{- ',' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{% macro duckdb__json_keys(json, paths) -%}
    json_keys({{ json }}, [{% for path in paths %}'{{ json_pointer(path) }}'{{ ', ' if not loop.last }}{% endfor %}])
{%- endmacro %}


{#
    'eventData.terms[0].url' as a JSON path with bracketed keys, `$["eventData"]["terms"][0]["url"]`; '' is `$`. It stands
    in a literal of SQL.
#}
{% macro json_path(path) -%}
    {%- set keys = path.replace("'", "''").split('.') if path else [] -%}
    ${% for key in keys -%}
    {%- set element = modules.re.search('\\[[0-9]+\\]$', key) -%}
    {%- set index = element.group() if element else '' -%}
    ["{{ key[:key | length - index | length] }}"]{{ index }}
    {%- endfor -%}
{%- endmacro %}

{# The same for DuckDB as a JSON pointer, `/eventData/terms/0/url`, which it follows in half the time of a path. #}
{% macro json_pointer(path) -%}
    {%- set keys = path.replace("'", "''").split('.') if path else [] -%}
    {%- for key in keys -%}
    /{{ modules.re.sub('\\[([0-9]+)\\]$', '/\\1', key.replace('~', '~0').replace('/', '~1')) }}
    {%- endfor -%}
{%- endmacro %}


{#
    The text inside base64, or null when it is no base64 of UTF-8 text. URL-safe letters and line breaks are fine, and the
    padding may be missing.
#}
{% macro decode_base64(text) -%}
    {{ return(adapter.dispatch('decode_base64')(text)) }}
{%- endmacro %}

{# Its letters of the standard alphabet, without padding. #}
{% macro base64_letters(text) -%}
    {%- set one_line = 'replace(replace(' ~ text ~ ", chr(13), ''), chr(10), '')" -%}
    rtrim(replace(replace({{ one_line }}, '-', '+'), '_', '/'), '=')
{%- endmacro %}

{% macro default__decode_base64(text) -%}
    element_at(
        transform(
            transform(
                array[{{ base64_letters(text) }}],
                letters -> case
                    when regexp_like(letters, '^[A-Za-z0-9+/]+\z') and length(letters) % 4 <> 1
                        then try(from_base64({{ padded_base64('letters') }}))
                end
            ),
            bytes -> case when to_utf8(from_utf8(bytes)) = bytes then from_utf8(bytes) end
        ),
        1
    )
{%- endmacro %}

{% macro duckdb__decode_base64(text) -%}
    case
        {#- Nearly all, for a fifth of what it takes to bring text to this form. #}
        when length({{ text }}) % 4 = 0 and regexp_matches({{ text }}, '^[A-Za-z0-9+/]+={0,2}$')
            then try(decode(from_base64({{ text }})))
        else list_transform(
            [{{ base64_letters(text) }}],
            lambda letters: case
                when regexp_matches(letters, '^[A-Za-z0-9+/]+$') and length(letters) % 4 <> 1
                    then try(decode(from_base64({{ padded_base64('letters') }})))
            end
        )[1]
    end
{%- endmacro %}

{# Base64 letters with the signs that fill them up to whole groups of four. #}
{% macro padded_base64(letters) -%}
    {{ long_concat([letters, "substr('===', 1, (4 - length(" ~ letters ~ ") % 4) % 4)"]) }}
{%- endmacro %}


{# The text at one path of canonical JSON: as json_texts. #}
{% macro json_text(json, path) -%}
    {{ json_texts(json, [path]) }}[1]
{%- endmacro %}


{#
    What the fields of a record are read from is its canonical JSON, opened by these two, in this order. The first opens
    - JSON held as text, at the keys `objects` (a list of names for each depth): it is what it says,
    - a list of {"key": …, "value": …} there: it is an object (`value` may hold a typed one: {"int_value": 7}),
    - an object that holds a time in seconds, at the record's keys `times`: it is a number as text.
    The second opens MongoDB's wrappers: {"$oid": "65a1"} is "65a1".
#}
{% macro opened_json(json, objects, times) -%}
    case
        when
            {#- All that is opened has one of these; few records have a list at all. #}
            {{ contains_text(json, ':"{') }}
            or {{ contains_text(json, 'seconds":') }}
            or {{ contains_text(json, '$timestamp":') }}
            or (
                {{ contains_text(json, '[') }}
                and ({{ contains_text(json, ':"[') }} or {{ contains_text(json, '[{"key":"') }})
            )
            then {{ adapter.dispatch('opened_json')(json, objects, times) }}
        else {{ json }}
    end
{%- endmacro %}

{% macro duckdb__opened_json(json, objects, times) -%}
    opened_json({{ json }}, {{ sql_texts([tojson(objects), tojson(times)]) }})
{%- endmacro %}

{#
    One step after the other over the whole record, not all in one for each member: Trino's analysis takes three to four
    times as long for each lambda inside another one.
#}
{% macro default__opened_json(json, objects, times) -%}
    {%- set names = [objects[0] | reject('in', times) | list] + objects[1:] -%}
    {%- set opened = namespace(json='json_parse(' ~ json ~ ')') -%}
    {%- for _ in names -%}
        {%- set opened.json = changed_members(opened.json, names[:loop.index], parsed_member) -%}
        {%- set opened.json = changed_members(opened.json, names[:loop.index], keyed_member) -%}
    {%- endfor -%}
    json_format({{ changed_members(opened.json, [times], opened_time) }})
{%- endmacro %}

{# A JSON object in which `change`, a macro, is done to the members with one of the names by depth, where they are there. #}
{% macro changed_members(object, names, change, depth=1) -%}
    {%- set value = 'value_' ~ depth -%}
    cast(
        transform_values(
            cast({{ object }} as map(varchar, json)),
            (key_{{ depth }}, {{ value }}) -> case
                {%- if names | length > 1 %}
                when
                    key_{{ depth }} in ({{ sql_texts(names[0]) }}) and starts_with(json_format({{ value }}), '{')
                    then {{ changed_members(value, names[1:], change, depth + 1) }}
                {%- else %}
                when key_{{ depth }} in ({{ sql_texts(names[0]) }}) then {{ change(value) }}
                {%- endif %}
                else {{ value }}
            end
        ) as json
    )
{%- endmacro %}

{# The object or list that a text holds as JSON; any other value as it is. #}
{% macro parsed_member(value) -%}
    {%- set text = 'json_extract_scalar(' ~ value ~ ", '$')" -%}
    case
        when regexp_like({{ text }}, '^[{\[]')
            then coalesce(
                json_extract({{ canonical_json_object(long_concat(["'{\"x\":'", text, "'}'"])) }}, '$.x'),
                {{ value }}
            )
        else {{ value }}
    end
{%- endmacro %}

{# A list of {"key": …, "value": …} as an object; any other value as it is. #}
{% macro keyed_member(value) -%}
    case
        when
            starts_with(json_format({{ value }}), '[{')
            and all_match(
                cast({{ value }} as array(json)),
                pair -> coalesce(starts_with(json_format(json_extract(pair, '$.key')), '"'), false)
            )
            then cast(
                transform_values(
                    multimap_from_entries(
                        transform(
                            cast({{ value }} as array(json)),
                            pair -> row(json_extract_scalar(pair, '$.key'), {{ typed_value('pair') }})
                        )
                    ),
                    (pair_key, pair_values) -> element_at(pair_values, -1)
                ) as json
            )
        else {{ value }}
    end
{%- endmacro %}

{# The value of a {"key": …, "value": …}: of a typed one the first that is not null. #}
{% macro typed_value(pair) -%}
    case
        when starts_with(json_format(json_extract({{ pair }}, '$.value')), '{')
            then coalesce(
                {%- for type in ['string_value', 'int_value', 'float_value', 'double_value'] %}
                {%- set value = 'json_extract(' ~ pair ~ ", '$.value." ~ type ~ "')" %}
                case when json_format({{ value }}) <> 'null' then {{ value }} end{{ ',' if not loop.last }}
                {%- endfor %}
            )
        else json_extract({{ pair }}, '$.value')
    end
{%- endmacro %}

{# Seconds and a fraction, out of {"_seconds", "_nanoseconds"}, {"seconds", "nanos"} or {"$timestamp": {"t"}}. #}
{% macro opened_time(value) -%}
    {%- set paths = {
        'seconds': ['$["_seconds"]', '$["seconds"]', '$["$timestamp"]["t"]'],
        'nanos': ['$["_nanoseconds"]', '$["nanos"]', '$["nanoseconds"]'],
    } -%}
    {%- set texts = {} -%}
    {%- for name, name_paths in paths.items() -%}
        {%- set choices = [] -%}
        {%- for path in name_paths -%}
            {%- do choices.append('json_extract_scalar(' ~ value ~ ", '" ~ path ~ "')") -%}
        {%- endfor -%}
        {%- do texts.update({name: 'coalesce(' ~ choices | join(', ') ~ ')'}) -%}
    {%- endfor -%}
    case
        when regexp_like({{ texts.seconds }}, '^-?[0-9]{1,12}\z')
            then cast(
                {{ texts.seconds }} || '.' || case
                    when regexp_like({{ texts.nanos }}, '^[0-9]{1,9}\z')
                        then lpad(cast(cast({{ texts.nanos }} as bigint) / 1000 as varchar), 6, '0')
                    else '000000'
                end as json
            )
        else {{ value }}
    end
{%- endmacro %}

{# In canonical JSON `{"$` is nothing else than the beginning of an object. Numbers go first: {"$date": {"$numberLong": "1"}}. #}
{% macro unwrapped_json(json) -%}
    {%- set value = '("[^"\\\\]*"|-?[0-9][0-9.eE+-]*|null)' -%}
    {%- set numbers -%}
        case
            when {{ contains_text(json, '{"$number') }}
                then {{ regexp_replace_all(
                    json, '\\{"[$]number(?:Int|Long|Double|Decimal)":' ~ value ~ '\\}', [1]
                ) }}
            else {{ json }}
        end
    {%- endset -%}
    {%- set others = regexp_replace_all(numbers, '\\{"[$](?:oid|date|uuid|symbol)":' ~ value ~ '\\}', [1]) -%}
    case
        when {{ contains_text(json, '{"$binary') }}
            then {{ regexp_replace_all(
                others, '\\{"[$]binary":\\{"base64":' ~ value ~ ',"subType":"[^"\\\\]*"\\}\\}', [1]
            ) }}
        when {{ contains_text(json, '{"$') }} then {{ others }}
        else {{ json }}
    end
{%- endmacro %}

{# Canonical JSON in which the members whose text, without blanks around it, is one of `texts` are null. #}
{% macro json_without(json, texts) -%}
    {%- if not texts -%}
        {{ json }}
    {%- else -%}
        {%- set escaped = [] -%}
        {%- for text in texts -%}
            {%- do escaped.append(modules.re.escape(text.replace('\\', '\\\\').replace('"', '\\"')).replace("'", "''")) -%}
        {%- endfor -%}
        {%- set blanks = '(?:[ ]|\\\\[tnr])*' -%}
        {{ regexp_replace_all(json, ':"' ~ blanks ~ '(?:' ~ escaped | join('|') ~ ')' ~ blanks ~ '"', ':null') }}
    {%- endif -%}
{%- endmacro %}


{# The first text of an array that is not null. #}
{% macro first_text(texts) -%}
    {{ return(adapter.dispatch('first_text')(texts)) }}
{%- endmacro %}

{% macro default__first_text(texts) -%}
    element_at(filter({{ texts }}, text -> text is not null), 1)
{%- endmacro %}

{% macro duckdb__first_text(texts) -%}
    list_filter({{ texts }}, lambda text: text is not null)[1]
{%- endmacro %}


{# An element of an array, counted from 1; null beyond its end. #}
{% macro array_element(array, position) -%}
    {{ return(adapter.dispatch('array_element')(array, position)) }}
{%- endmacro %}

{% macro default__array_element(array, position) -%}
    element_at({{ array }}, {{ position }})
{%- endmacro %}

{% macro duckdb__array_element(array, position) -%}
    {{ array }}[{{ position }}]
{%- endmacro %}
