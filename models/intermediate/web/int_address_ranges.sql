{{ config(enabled=has_address_ranges(), meta={'rebuild_by': 'everything'}) }}
{%- set kept = ['country', 'first_address', 'network_bits'] %}

with

source_ranges as (

    select * from {{ source('reference', 'address_ranges') }}

),

countries as (

    select * from {{ ref('countries') }}

),

-- Of a network only the first column says something: 203.0.113.0/24.
known as (

    select
        countries.country_code as country,
        {{ trim_blanks("split_part(source_ranges.first_address, '/', 1)") }} as first_address,
        {{ trim_blanks('source_ranges.last_address') }} as last_address,
        cast({{ regexp_group('source_ranges.first_address', '/([0-9]{1,3}) *$', 1) }} as integer) as network_bits
    from source_ranges
    inner join countries
        on lower({{ trim_blanks('source_ranges.country') }}) = countries.spelling

),

with_first as (

    {{ with_address_key('known', 'first_address', 'first_key', kept + ['last_address']) }}

),

with_last as (

    {{ with_address_key('with_first', 'last_address', 'last_key', kept + ['first_key']) }}

),

-- Of an IPv4 network the bits count from those of ::ffff:0:0/96 on.
with_bits as (

    select
        country,
        first_key,
        last_key,
        case when strpos(first_address, ':') > 0 then network_bits else network_bits + 96 end as bits
    from with_last

),

ranges as (

    select
        country,
        case when bits is null then first_key else {{ first_of_network('first_key', 'bits') }} end as first_key,
        case when bits is null then last_key else {{ last_of_network('first_key', 'bits') }} end as last_key
    from with_bits
    where
        bits is null
        or bits <= 128

),

-- One sweep over all beginnings and ends. Of ranges that begin together the longest is first: it holds the others.
edges as (

    select
        first_key as address_key,
        false as is_after,
        last_key,
        country,
        1 as step
    from ranges
    where first_key <= last_key
    union all
    select
        last_key as address_key,
        true as is_after,
        last_key,
        cast(null as varchar) as country,
        -1 as step
    from ranges
    where first_key <= last_key

),

nested as (

    select
        address_key,
        is_after,
        row_number() over (order by address_key asc, is_after asc, last_key desc, country asc) as place,
        sum(step) over (
            order by address_key asc, is_after asc, last_key desc, country asc
            rows between unbounded preceding and current row
        ) as open_ranges,
        last_key,
        country
    from edges

),

-- When an inner range ends, the one around it goes on: the last that began where as many were open. Of texts that begin
-- with the address it is the greatest so far.
innermost as (

    select
        address_key,
        is_after,
        place,
        max(address_key || last_key || country) over (
            partition by open_ranges
            order by place
            rows between unbounded preceding and current row
        ) as range_text
    from nested

),

-- Where several ranges begin or end, what is so after the last of them; ranges that cross must hold the address.
at_each_edge as (

    select
        address_key,
        is_after,
        case
            when substr(range_text, 33, 32) > address_key or (substr(range_text, 33, 32) = address_key and not is_after)
                then substr(range_text, 65)
        end as country
    from (
        select
            *,
            row_number() over (partition by address_key, is_after order by place desc) as place_from_last
        from innermost
    ) as numbered
    where place_from_last = 1

),

with_country_before as (

    select
        *,
        lag(country) over (order by address_key, is_after) as country_before
    from at_each_edge

),

final as (

    select
        address_key,
        is_after,
        country
    from with_country_before
    where country is distinct from country_before

)

select * from final
