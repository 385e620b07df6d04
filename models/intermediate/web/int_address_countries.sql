{{
    config(
        enabled=has_address_ranges(),
        unique_key='ip_address',
        meta={'rebuild_by': 'ip_address', 'computed_once': true},
    )
}}

with

records as (

    select * from {{ ref('stg_web_events') }}
    where
        rejection_reason is null
        and ip_address is not null
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

ranges as (

    select * from {{ ref('int_address_ranges') }}

),

addresses as (

    {{ unmasked_values('records', 'ip_address') }}

),

-- "client, proxy, proxy", as in X-Forwarded-For.
listed as (

    select
        addresses.ip_address,
        {{ trim_blanks('parts.part') }} as part,
        parts.place
    from addresses
    cross join unnest(split(substr(addresses.unmasked_ip_address, 1, 2000), ',')) with ordinality as parts (part, place)

),

with_key as (

    {{ with_address_key('listed', 'part', 'address_key', ['ip_address', 'place']) }}

),

-- The first that is one of the internet's.
public as (

    select
        ip_address,
        address_key
    from (
        select
            *,
            row_number() over (partition by ip_address order by place) as public_place
        from with_key
        where not {{ is_local_address('address_key') }}
    ) as numbered
    where public_place = 1

),

-- One sweep: of one address first the range that begins there, then the address itself, then the range that ends.
edges as (

    select
        cast(null as varchar) as ip_address,
        address_key,
        case when is_after then 2 else 0 end as place,
        address_key || case when is_after then '2' else '0' end || coalesce(country, '') as country_text
    from ranges
    union all
    select
        ip_address,
        address_key,
        1 as place,
        cast(null as varchar) as country_text
    from public

),

-- The last country before is in the greatest text so far: they begin with the address.
swept as (

    select
        ip_address,
        max(country_text) over (
            order by address_key, place
            rows between unbounded preceding and current row
        ) as country_text
    from edges

),

final as (

    select
        addresses.ip_address,
        nullif(substr(swept.country_text, 34), '') as country
    from addresses
    left join swept
        on addresses.ip_address = swept.ip_address

)

select * from final
