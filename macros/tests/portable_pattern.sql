{#
    A pattern that every engine reads, and in the same way: it compiles; it is in lower case, as the text is in which it
    is looked for; and it has nothing that RE2 (DuckDB), Joni and RE2J (Trino, Athena) read differently or not at all:
    backslashes, lookarounds, flags, classes in classes.
#}
{% test portable_pattern(model, column_name) %}
    select {{ column_name }}
    from {{ model }}
    where
        {{ column_name }} is not null
        and (
            regexp_replace('', {{ column_name }}, '') is null
            or {{ column_name }} != lower({{ column_name }})
            or {{ contains_text(column_name, '\\') }}
            or {{ regexp_like(column_name, '[(][?]([^:]|$)') }}
            or {{ regexp_like(column_name, '\\[[^\\]]*\\[') }}
        )
{% endtest %}
