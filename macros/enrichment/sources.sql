{#
    Where an event came from: parts of its addresses, and the channel that they mean.
#}

{# The host of an address: lower case, without user, port and `www.`; null when it names none. #}
{% macro url_host(url) -%}
    {%- set authority = regexp_group(url, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)', 1) -%}
    nullif(
        regexp_replace(lower(regexp_replace(regexp_replace({{ authority }}, '^.*@', ''), ':[0-9]*$', '')), '^www[.]', ''),
        ''
    )
{%- endmacro %}

{# The query of an address: what stands between the first `?` and the fragment; null when there is none. #}
{% macro url_query(url) -%}
    case when {{ contains_text(url, '?') }} then {{ regexp_group(url, '^[^?#]*[?]([^#]*)', 1) }} end
{%- endmacro %}

{# The first value of a query's parameter that is not empty, decoded as form data; null when there is none. #}
{% macro query_parameter(query, name) -%}
    {%- set written = regexp_group(query, '(?:^|&)' ~ name ~ '=([^&]+)', 1) -%}
    case
        when {{ contains_text(query, name ~ '=') }}
            then nullif({{ trim_blanks(form_decoded(written)) }}, '')
    end
{%- endmacro %}

{# Form data as text: `+` is a blank, `%C3%A9` is é. What is no UTF-8 behind its percent signs, or
    longer than 4,096 characters, stays as it is written. #}
{% macro form_decoded(text) -%}
    {%- set last = '%[89ABab][0-9A-Fa-f]' -%}
    {%- set letters = [
        '[^%]', '%[0-7][0-9A-Fa-f]', '%[Cc][2-9A-Fa-f]' ~ last, '%[Dd][0-9A-Fa-f]' ~ last,
        '%[Ee]0%[ABab][0-9A-Fa-f]' ~ last, '%[Ee][1-9A-CEFa-cef]' ~ last ~ last, '%[Ee][Dd]%[89][0-9A-Fa-f]' ~ last,
        '%[Ff]0%[9ABab][0-9A-Fa-f]' ~ last ~ last, '%[Ff][1-3]' ~ last ~ last ~ last, '%[Ff]4%8[0-9A-Fa-f]' ~ last ~ last,
    ] -%}
    case
        when not {{ contains_text(text, '%') }} then replace({{ text }}, '+', ' ')
        {#- Trino's expressions take memory for each letter. #}
        when length({{ text }}) > 4096 then {{ text }}
        when {{ regexp_like(text, '^(?:' ~ letters | join('|') ~ ')*$') }} then url_decode(replace({{ text }}, '+', ' '))
        else {{ text }}
    end
{%- endmacro %}

{# The first click id, in the order of the seed click_ids, that a query has with a value. #}
{% macro click_id_type(query) -%}
    {%- set cases = [] -%}
    {%- for rule in click_ids() -%}
        {%- do cases.append((
            [contains_text(query, rule.click_id_type ~ '='), regexp_like(query, '(?:^|&)' ~ rule.click_id_type ~ '=[^&]')],
            sql_texts([rule.click_id_type]),
        )) -%}
    {%- endfor -%}
    {{ first_that_holds(cases, 'varchar') }}
{%- endmacro %}

{# Whether a host is one of the seed internal_hosts, or below one. #}
{% macro is_internal_host(host) -%}
    {%- set conditions = [] -%}
    {%- for internal in internal_hosts() -%}
        {%- do conditions.append("concat('.', " ~ host ~ ") like " ~ sql_texts(['%.' ~ internal])) -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else 'false') }}
{%- endmacro %}

{# The rules of three seeds: macros of their own, so that unit tests can put others in their place. #}
{% macro click_ids() -%}
    {{ return(rules_of_seed('click_ids', ['click_id_type'])) }}
{%- endmacro %}

{# The hosts of the seed. #}
{% macro internal_hosts() -%}
    {{ return(seed_rows('internal_hosts', ['host']) | map(attribute=0) | list) }}
{%- endmacro %}

{# The seed's rows, as rules. #}
{% macro channel_rules() -%}
    {{ return(rules_of_seed('channel_rules', [
        'channel', 'click_id_type', 'utm_medium', 'utm_source', 'paid_kind', 'any_kind', 'has_referrer', 'has_campaign',
    ])) }}
{%- endmacro %}

{# One row per host and what the seed may know it by: itself, and its last four, three and two names. #}
{% macro hosts_and_domains(hosts) -%}
    {%- for names in [none, 4, 3, 2] %}
    select
        host,
        {{ 'host' if names is none else regexp_group('host', '[.]((?:[^.]+[.]){' ~ (names - 1) ~ '}[^.]+)$', 1) }} as known_as
    from {{ hosts }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#
    The channel: the first rule of the seed channel_rules whose conditions hold. The relation has click_id_type and the utm
    columns of the event that decides, its referrer_host, paid_kind, and the kinds utm_source_kind, referrer_kind and
    click_id_kind.
#}
{% macro channel() -%}
    {%- set cases = [] -%}
    {%- for rule in channel_rules() -%}
        {%- set conditions = [] -%}
        {%- for column in ['click_id_type', 'utm_medium', 'utm_source', 'paid_kind'] if rule[column] -%}
            {%- do conditions.append(is_listed(column, rule[column])) -%}
        {%- endfor -%}
        {%- if rule.any_kind -%}
            {%- do conditions.append(is_listed(['utm_source_kind', 'referrer_kind', 'click_id_kind'], rule.any_kind)) -%}
        {%- endif -%}
        {%- if rule.has_referrer -%}
            {%- do conditions.append('referrer_host is not null') -%}
        {%- endif -%}
        {%- if rule.has_campaign -%}
            {%- do conditions.append('coalesce(utm_source, utm_medium, utm_campaign, utm_term, utm_content) is not null') -%}
        {%- endif -%}
        {%- do cases.append((conditions, sql_texts([rule.channel]))) -%}
    {%- endfor -%}
    {{ first_that_holds(cases, 'varchar') }}
{%- endmacro %}
