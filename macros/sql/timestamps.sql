{#
    Points in time. All timestamps in the lake are UTC, in microseconds, without zone.
#}

{#
    A timestamp out of text without blanks around it, or null when it can't be read: ISO 8601 (a space for T, a zone as Z,
    +02:00, +0200 or +02 up to 14 hours, ` UTC`, ` GMT`, fractions, a bare date; no zone means UTC), or an epoch number:
    below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds.
#}
{% macro parse_timestamp(text) -%}
    {%- set is_number = regexp_like(text, '^[+-]?[0-9]{1,30}([.][0-9]+)?([eE][+]?[0-9]{1,2})?$') -%}
    {%- set zone = '( ?(Z|[+-](0[0-9]|1[0-3])(:?[0-5][0-9])?|[+-]14(:?00)?)| UTC| GMT)?' -%}
    {%- set is_iso = regexp_like(
        text,
        '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?' ~ zone ~ ')?$'
    ) -%}
    {%- set is_date = 'try_cast(substr(' ~ text ~ ', 1, 10) as date) is not null' -%}
    {%- set number = 'try_cast(' ~ text ~ ' as decimal(38, 6))' -%}
    {%- set whole = 'try_cast(' ~ text ~ ' as bigint)' -%}
    case
        {#- Most epoch numbers, by themselves: DuckDB takes 20 µs to read a decimal(38, 6). #}
        when {{ regexp_like(text, '^([0-9]{1,18}|[1-8][0-9]{18})$') }}
            then {{ epoch_to_timestamp(
                'case when ' ~ whole ~ ' < 100000000000 then ' ~ whole ~ ' * 1000000 '
                ~ 'when ' ~ whole ~ ' < 100000000000000 then ' ~ whole ~ ' * 1000 '
                ~ 'when ' ~ whole ~ ' < 100000000000000000 then ' ~ whole ~ ' '
                ~ 'else ' ~ whole_thousandth(whole) ~ ' end',
                is_whole=true
            ) }}
        when {{ regexp_like(text, '^[0-9]{1,11}[.][0-9]{1,6}$') }}
            then {{ epoch_to_timestamp(
                'cast(cast(try_cast(' ~ text ~ ' as decimal(18, 6)) as decimal(38, 6)) * 1000000 as bigint)', is_whole=true
            ) }}
        {#- Beyond the years 1 to 9999, in which all readers have timestamps, a time is the first or the last one. #}
        when {{ is_number }}
            then {{ epoch_to_timestamp(
                'case when ' ~ number ~ ' < -62135596800 then -62135596800000000 '
                ~ 'when ' ~ number ~ ' < 100000000000 then ' ~ number ~ ' * 1000000 '
                ~ 'when ' ~ number ~ ' < 100000000000000 then ' ~ number ~ ' * 1000 '
                ~ 'when ' ~ number ~ ' < 100000000000000000 then ' ~ number ~ ' '
                ~ 'when ' ~ number ~ " < cast('253402300800000000000' as decimal(38, 6)) then " ~ thousandth(number) ~ ' '
                ~ 'else 253402300799999999 end'
            ) }}
        when {{ is_iso }}
            then case
                when {{ text }} < '0001-01-02' then case when {{ is_date }} then timestamp '0001-01-01 00:00:00' end
                when not {{ regexp_like(text, '[T ].*[+-]') }} then {{ iso_local_timestamp(text) }}
                when {{ text }} >= '9999-12-31'
                    then case when {{ is_date }} then timestamp '9999-12-31 23:59:59.999999' end
                else {{ subtract_minutes(
                    iso_local_timestamp(regexp_group(text, '^(.*[^ ]) ?[+-][0-9:]+$', 1)), iso_offset_minutes(text)
                ) }}
            end
    end
{%- endmacro %}

{# The date and time of ISO text in UTC, cut to microseconds. DuckDB reads the T by itself. #}
{% macro iso_local_timestamp(text) -%}
    {{ return(adapter.dispatch('iso_local_timestamp')(text)) }}
{%- endmacro %}

{% macro duckdb__iso_local_timestamp(text) -%}
    try_cast(substr(rtrim({{ text }}, ' ZUTCGM'), 1, 26) as timestamp)
{%- endmacro %}

{% macro default__iso_local_timestamp(text) -%}
    {%- set plain = "replace(replace(replace(replace(" ~ text ~ ", ' UTC', ''), ' GMT', ''), 'T', ' '), 'Z', '')" -%}
    try_cast({{ trim_blanks('substr(' ~ plain ~ ', 1, 26)') }} as {{ timestamp_type() }})
{%- endmacro %}

{# Minutes east of UTC that the zone of ISO text says; 0 without a zone. #}
{% macro iso_offset_minutes(text) -%}
    {%- set hours = regexp_group(text, '[T ].*([+-][0-9]{2}):?[0-9]{0,2}$', 1) -%}
    {%- set minutes = regexp_group(text, '[T ].*([+-])[0-9]{2}:?[0-9]{2}$', 1) -%}
    {%- set minute_digits = regexp_group(text, '[T ].*[+-][0-9]{2}:?([0-9]{2})$', 1) -%}
    coalesce(try_cast({{ hours }} as integer) * 60, 0)
    + coalesce(try_cast({{ minutes }} || {{ minute_digits }} as integer), 0)
{%- endmacro %}

{# A thousandth of a whole number that is not negative, cut to a whole number. #}
{% macro whole_thousandth(number) -%}
    {{ return(adapter.dispatch('whole_thousandth')(number)) }}
{%- endmacro %}

{% macro default__whole_thousandth(number) -%}
    ({{ number }} / 1000)
{%- endmacro %}

{% macro duckdb__whole_thousandth(number) -%}
    ({{ number }} // 1000)
{%- endmacro %}

{# A thousandth of a decimal(38, 6), cut to a whole number. #}
{% macro thousandth(number) -%}
    {{ return(adapter.dispatch('thousandth')(number)) }}
{%- endmacro %}

{% macro default__thousandth(number) -%}
    ((floor({{ number }}) - floor({{ number }}) % 1000) / 1000)
{%- endmacro %}

{% macro duckdb__thousandth(number) -%}
    (cast(floor({{ number }}) as hugeint) // 1000)
{%- endmacro %}

{# The type of a timestamp in the lake. #}
{% macro timestamp_type() -%}
    {{ return(adapter.dispatch('timestamp_type')()) }}
{%- endmacro %}

{% macro default__timestamp_type() -%}
    timestamp(6)
{%- endmacro %}

{% macro duckdb__timestamp_type() -%}
    timestamp
{%- endmacro %}


{# A timestamp from microseconds since 1970, cut to whole ones, or null outside the years that engines can hold. #}
{% macro epoch_to_timestamp(microseconds, is_whole=false) -%}
    {{ return(adapter.dispatch('epoch_to_timestamp')(microseconds, is_whole)) }}
{%- endmacro %}

{% macro default__epoch_to_timestamp(microseconds, is_whole) -%}
    case
        when {{ microseconds }} between -62135596800000000 and 253402300799999999
            {#- Of the functions that make timestamps only this one is exact to the microsecond. #}
            then cast(
                from_unixtime_nanos(cast(floor({{ microseconds }}) as decimal(38, 0)) * 1000) as timestamp(6)
            )
    end
{%- endmacro %}

{% macro duckdb__epoch_to_timestamp(microseconds, is_whole) -%}
    case
        when {{ microseconds }} between -62135596800000000 and 253402300799999999
            {#- Its floor() of a bigint is a double, which has not all digits of the year 9999. #}
            then make_timestamp({{ microseconds if is_whole else 'cast(floor(' ~ microseconds ~ ') as bigint)' }})
    end
{%- endmacro %}


{# Microseconds since 1970. #}
{% macro epoch_microseconds(timestamp) -%}
    {{ return(adapter.dispatch('epoch_microseconds')(timestamp)) }}
{%- endmacro %}

{% macro default__epoch_microseconds(timestamp) -%}
    {#- Whole seconds and the fraction's six digits: there is no function for microseconds. -#}
    (
        date_diff('second', timestamp '1970-01-01 00:00:00', date_trunc('second', {{ timestamp }})) * 1000000
        + cast(substr(cast(cast({{ timestamp }} as timestamp(6)) as varchar), -6) as bigint)
    )
{%- endmacro %}

{% macro duckdb__epoch_microseconds(timestamp) -%}
    epoch_us({{ timestamp }})
{%- endmacro %}


{# A timestamp some minutes later; the minutes may be an expression. #}
{% macro add_minutes(timestamp, minutes) -%}
    {{ return(adapter.dispatch('add_minutes')(timestamp, minutes)) }}
{%- endmacro %}

{% macro default__add_minutes(timestamp, minutes) -%}
    date_add('minute', {{ minutes }}, {{ timestamp }})
{%- endmacro %}

{% macro duckdb__add_minutes(timestamp, minutes) -%}
    ({{ timestamp }} + to_minutes({{ minutes }}))
{%- endmacro %}

{# The timestamp some minutes earlier. #}
{% macro subtract_minutes(timestamp, minutes) -%}
    {{ add_minutes(timestamp, '-1 * (' ~ minutes ~ ')') }}
{%- endmacro %}


{# Whole seconds from one timestamp to a later one. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    {#- Trino's date_diff leaves out what is less than a millisecond: of 119.999999 seconds it makes 120. -#}
    ({{ epoch_microseconds(later) }} - {{ epoch_microseconds(earlier) }}) / 1000000
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    date_sub('second', {{ earlier }}, {{ later }})
{%- endmacro %}


{# When this dbt invocation began: one time stamp for all rows that it writes. #}
{% macro invocation_started_at() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as {{ timestamp_type() }})
{%- endmacro %}


{# Microseconds from one timestamp to a later one; null when either is. #}
{% macro microseconds_between(earlier, later) -%}
    {{ epoch_microseconds(later) }} - {{ epoch_microseconds(earlier) }}
{%- endmacro %}


{# A date some days later. #}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    date_add('day', {{ days }}, {{ date }})
{%- endmacro %}

{% macro duckdb__add_days(date, days) -%}
    {{ date }} + {{ days }}
{%- endmacro %}


{# What a group of a regular expression matched, or null. #}
{% macro regexp_group(text, pattern, group) -%}
    {{ return(adapter.dispatch('regexp_group')(text, pattern, group)) }}
{%- endmacro %}

{% macro default__regexp_group(text, pattern, group) -%}
    regexp_extract({{ text }}, '{{ end_of_text(pattern) }}', {{ group }})
{%- endmacro %}

{% macro duckdb__regexp_group(text, pattern, group) -%}
    nullif(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '')
{%- endmacro %}
