{#
    What staging does with personal values on a masked target; elsewhere the columns are as they are. All models after it
    see masked values only.

        {{ masked('user_id', 'hash') }}          the keyed hash of the value: 32 hex digits
        {{ masked('space_name', 'text') }}       e-mail addresses in it become their keyed hash
        {{ masked('page_url', 'url') }}          the same; of its query only what tells the campaign stays
        {{ masked('payload', 'length') }}        nothing but how long it was
        {{ masked('lines', 'lines') }}           text in each of a list of products (product_lines)

    Equal values have equal hashes, whatever the column: what could be joined still can. `value` is the column's SQL where
    it is more than its name.
#}
{% macro masked(column, masked_as, value=none) -%}
    {%- set sql = masked_value(masked_as, value or column) -%}
    {{ return(sql if sql == column else sql ~ ' as ' ~ column) }}
{%- endmacro %}

{# The same without the column's name. #}
{% macro masked_value(masked_as, value) -%}
    {%- set ways = {
        'hash': keyed_hash, 'text': text_without_addresses, 'url': url_without_person, 'length': length_alone,
        'lines': lines_without_addresses,
    } -%}
    {{ return(ways[masked_as](value) | trim if is_masked() else value) }}
{%- endmacro %}


{#
    An e-mail address, also percent-encoded, in text or in a URL. Bounded, so that its time does not grow with the square of
    the text's length.
#}
{% macro email_pattern() -%}
    {{ return(
        '[^ \\t\\r\\n"\'\'(),:;<>@/?&=#|{}\\[\\]\\\\]{1,64}(?:@|%(?:25)*40)'
        ~ '[\\p{L}\\p{N}](?:[\\p{L}\\p{N}.-]*[\\p{L}\\p{N}])?'
    ) }}
{%- endmacro %}

{# A text in which each e-mail address is its keyed hash. #}
{% macro text_without_addresses(text) -%}
    case
        when {{ contains_text(text, '@') }} or ({{ contains_text(text, '%') }} and {{ contains_text(text, '40') }})
            then {{ replace_matches(text, email_pattern(), keyed_hash) }}
        else {{ text }}
    end
{%- endmacro %}

{#
    A URL without user and password, fragment, and all of its query but the parameters that int_web_events_enriched reads:
    utm_… with their values, click ids with the first letter of theirs, which says that there is one.
#}
{% macro url_without_person(url) -%}
    {%- do ref('click_ids') -%}
    {%- set names = ['utm_(?:source|medium|campaign|term|content)=[^&]*'] -%}
    {%- for rule in click_ids() -%}
        {%- do names.append(modules.re.escape(rule.click_id_type) ~ '=[^&]?') -%}
    {%- endfor -%}
    {%- set page = regexp_replace_all(
        "regexp_replace(" ~ url ~ ", '[?#][\\s\\S]*\\z', '')", '^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)[^/]*@', [1]
    ) -%}
    {%- set campaign = join_texts(
        "regexp_extract_all(" ~ url_query(url) ~ ", '(?:^|&)(" ~ names | join('|') ~ ")', 1)", "'&'"
    ) -%}
    case
        when {{ url }} is not null
            then {{ long_concat(
                [text_without_addresses(page), 'nullif(' ~ text_without_addresses(campaign) ~ ", '')"], "'?'"
            ) }}
    end
{%- endmacro %}

{# How long a text was. #}
{% macro length_alone(text) -%}
    '(masked: ' || cast(length({{ text }}) as varchar) || ' characters)'
{%- endmacro %}

{# A list of products with text_without_addresses in each text. #}
{% macro lines_without_addresses(lines) -%}
    {%- set columns = [] -%}
    {%- for name, type in line_columns() -%}
        {%- set value = 'line.' ~ name -%}
        {%- do columns.append((name, text_without_addresses(value) if type == 'varchar' else value, type)) -%}
    {%- endfor -%}
    {{ changed_elements(lines, 'line', named_struct(columns)) }}
{%- endmacro %}
