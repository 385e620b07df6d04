{{
    config(
        unique_key='user_agent',
        meta={'rebuild_by': 'user_agent', 'computed_once': true},
    )
}}
-- depends_on: {{ ref('user_agent_bots') }}
-- depends_on: {{ ref('user_agent_browsers') }}
-- depends_on: {{ ref('user_agent_systems') }}
-- depends_on: {{ ref('user_agent_devices') }}
{%- set rules = user_agent_rules() %}


with

records as (

    select * from {{ ref('stg_web_events') }}
    where
        rejection_reason is null
        and user_agent is not null
        and {{ touched() }}
        and {{ touched(on='event_date') }}

),

agents as (

    {{ unmasked_values('records', 'user_agent') }}

),

compared as (

    select
        user_agent,
        unmasked_user_agent,
        {{ agent_to_match('unmasked_user_agent') }} as agent
    from agents

),

matched as (

    select
        user_agent,
        unmasked_user_agent,
        agent,
        {{ rule_of_agent('agent', rules.bots) }} as bot_rule,
        {{ rule_of_agent('agent', rules.browsers) }} as browser_rule,
        {{ rule_of_agent('agent', rules.systems) }} as system_rule,
        {{ rule_of_agent('agent', rules.devices) }} as device_rule
    from compared

),

described as (

    select
        user_agent,
        unmasked_user_agent,
        agent,
        bot_rule is not null as is_bot_agent,
        {{ value_of_rule('bot_rule', rules.bots, 'bot_name') }} as known_bot_name,
        {{ found_by_rule('bot_rule', 'agent', rules.bots) }} as found_bot_name,
        {{ value_of_rule('browser_rule', rules.browsers, 'browser') }} as browser,
        {{ found_by_rule('browser_rule', 'agent', rules.browsers) }} as browser_version_major,
        {{ value_of_rule('system_rule', rules.systems, 'os') }} as os,
        {{ value_of_rule('system_rule', rules.systems, 'os_version_major') }} as known_os_version_major,
        {{ found_by_rule('system_rule', 'agent', rules.systems) }} as found_os_version_major,
        {{ value_of_rule('device_rule', rules.devices, 'device_type') }} as device_type
    from matched

),

-- What a bot says of its browser and system is no fact.
final as (

    select
        user_agent,
        case when not is_bot_agent then browser end as browser,
        case when not is_bot_agent then browser_version_major end as browser_version_major,
        case when not is_bot_agent then os end as os,
        case
            when not is_bot_agent then coalesce(known_os_version_major, found_os_version_major)
        end as os_version_major,
        case when is_bot_agent then 'bot' else coalesce(device_type, 'other') end as device_type,
        is_bot_agent,
        coalesce(known_bot_name, {{ as_agent_writes_it('unmasked_user_agent', 'agent', 'found_bot_name') }}) as bot_name
    from described

)

select * from final
