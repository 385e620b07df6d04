{#
    IP addresses as text of one length that sorts as they do: the 32 hex digits of an IPv6 address. An IPv4 address is what
    IPv6 calls it, ::ffff:1.2.3.4.
#}

{# Whether the project has a table of ranges of addresses (docs/own-data.md). Unit tests look at the code without one. #}
{% macro has_address_ranges() -%}
    {{ return(var('address_ranges', none) is not none and not in_unit_test()) }}
{%- endmacro %}

{#
    A query of the columns `kept` of a relation, and of an address, a text, as 32 hex digits under the name `key`: null where
    it is no address. A port, brackets around an address and a zone (%eth0) are left out.
#}
{% macro with_address_key(relation, address, key, kept) -%}
    {%- set octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])' -%}
    {%- set octets = '(?:' ~ octet ~ '[.]){3}' ~ octet -%}
    {%- set groups = '[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*' -%}
    {%- set bytes = [] -%}
    {%- for place in range(1, 5) -%}
        {%- do bytes.append(hex_of_byte("cast(split_part(octets, '.', " ~ place ~ ") as integer)")) -%}
    {%- endfor -%}
    with

    bare as (

        select
            {{ kept | join(', ') }},
            {#- No address is longer, whatever a record says. #}
            case
                when length({{ address }}) <= 100
                    then coalesce(
                        '::ffff:' || {{ regexp_group(address, '^([0-9.]+)(?::[0-9]+)?$', 1) }},
                        {{ regexp_group(
                            'lower(' ~ address ~ ')', '^\\[?([0-9a-f:]*:[0-9a-f:.]*)(?:%[^\\]]*)?(?:\\](?::[0-9]+)?)?$', 1
                        ) }}
                    )
            end as bare_address
        from {{ relation }}

    ),

    with_octets as (

        select
            *,
            {{ regexp_group('bare_address', ':(' ~ octets ~ ')$', 1) }} as octets
        from bare

    ),

    in_groups as (

        select
            *,
            case
                when octets is null then bare_address
                else
                    substr(bare_address, 1, length(bare_address) - length(octets))
                    || {{ bytes[0] }} || {{ bytes[1] }} || ':' || {{ bytes[2] }} || {{ bytes[3] }}
            end as groups_of_digits
        from with_octets

    ),

    checked as (

        select
            {{ kept | join(', ') }},
            case
                when {{ regexp_like('groups_of_digits', '^(?:' ~ groups ~ ')?(?:::(?:' ~ groups ~ ')?)?$') }}
                    then groups_of_digits
            end as groups_of_digits
        from in_groups

    ),

    digits as (

        select
            {{ kept | join(', ') }},
            strpos(groups_of_digits, '::') > 0 as has_gap,
            {{ four_digits_each("split_part(groups_of_digits, '::', 1)") }} as first_digits,
            {{ four_digits_each("split_part(groups_of_digits, '::', 2)") }} as last_digits
        from checked

    )

    select
        {{ kept | join(', ') }},
        case
            when has_gap and length(first_digits) + length(last_digits) <= 28
                then rpad(first_digits, cast(32 - length(last_digits) as integer), '0') || last_digits
            when not has_gap and length(first_digits) = 32 then first_digits
        end as {{ key }}
    from digits
{%- endmacro %}

{# Groups of hex digits between colons as four digits each, side by side. #}
{% macro four_digits_each(groups) -%}
    case
        when coalesce({{ groups }}, '') = '' then ''
        else {{ regexp_replace_all(
            "replace(':' || " ~ groups ~ ", ':', ':000')", ':[0-9a-f]*([0-9a-f]{4})', [1]
        ) }}
    end
{%- endmacro %}

{#
    Whether an address, as 32 hex digits, is none of the internet's: unspecified, private, shared, of one link or of the
    machine itself, multicast, reserved.
#}
{% macro is_local_address(key) -%}
    {{ regexp_like(key, '^(?:0{24}|0{20}ffff(?:00|0a|64[4-7]|7f|a9fe|ac1|c0a8|[ef])|f[cdf]|fe[89a-f])') }}
{%- endmacro %}

{#
    The first address of a network, as 32 hex digits: of an address in it, the first `bits` bits stay and the others become 0.
#}
{% macro first_of_network(key, bits) -%}
    {{ end_of_network(key, bits, ['0000000088888888', '000044448888cccc', '0022446688aaccee'], '0') }}
{%- endmacro %}

{# The last address of a network: the others become 1. #}
{% macro last_of_network(key, bits) -%}
    {{ end_of_network(key, bits, ['77777777ffffffff', '33337777bbbbffff', '1133557799bbddff'], 'f') }}
{%- endmacro %}

{# `digits` has what becomes of each hex digit of which 1, 2 or 3 bits stay. #}
{% macro end_of_network(key, bits, digits, fill) -%}
    {%- set whole_digits = whole_quotient(bits, 4) -%}
    rpad(
        substr({{ key }}, 1, {{ whole_digits }}) || case {{ bits }} % 4
            {%- for changed in digits %}
            when {{ loop.index }}
                then translate(substr({{ key }}, {{ whole_digits }} + 1, 1), '0123456789abcdef', '{{ changed }}')
            {%- endfor %}
            else ''
        end,
        32,
        '{{ fill }}'
    )
{%- endmacro %}
