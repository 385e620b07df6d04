{#
    When an object was last modified, or when it was loaded where its store says before 2000: ZIP's 1980, 1970 for
    want of a time, a clock never set. A date that is not believed would make each of its events a future_event.

    It is the one place where the time of loading shows in results; loaded_at stays in raw, so that to build again
    gives the same rows.
#}
{% macro believable_modified_at() -%}
    case
        when source_modified_at < timestamp '2000-01-01 00:00:00' then loaded_at
        else source_modified_at
    end
{%- endmacro %}
