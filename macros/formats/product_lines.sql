{#
    The lines of an order: the products that a record lists.

    A line is an object of the first of the record's lists that holds one; what else is in the list is no line. A line's
    quantity is 1 where it has a price and no quantity.
#}

{# The keys of a line that hold each of its fields; the first that holds a text or a number wins. #}
{% macro line_fields() -%}
    {{ return({
        'product_id': ['product_id', 'productId', 'item_id', 'sku', 'id'],
        'category': ['category', 'item_category'],
        'name': ['name', 'item_name'],
        'price': ['price', 'item_price', 'unitPrice'],
        'quantity': ['quantity'],
    }) }}
{%- endmacro %}

{# The fields of a line as a struct: (name, type). #}
{% macro line_columns() -%}
    {{ return([
        ('product_id', 'varchar'), ('category', 'varchar'), ('name', 'varchar'), ('price', 'decimal(18, 2)'),
        ('quantity', 'bigint'),
    ]) }}
{%- endmacro %}

{# The lines of some lists (JSON texts, the first with a line counts) as an array of structs; null without any. #}
{% macro product_lines(lists) -%}
    {{ return(adapter.dispatch('product_lines')(lists)) }}
{%- endmacro %}

{% macro duckdb__product_lines(lists) -%}
    case
        when coalesce({{ lists | join(', ') }}) is not null
            then list_transform(
                list_transform(
                    list_filter(
                        list_transform(
                            list_filter([{{ lists | join(', ') }}], lambda list: starts_with(list, '[')),
                            lambda list: list_filter(
                                json_extract(list, '$[*]'), lambda element: json_type(element) = 'OBJECT'
                            )
                        ),
                        lambda objects: len(objects) > 0
                    )[1],
                    lambda line: {{ json_texts('line', line_paths()) }}
                ),
                lambda line_texts: {{ line_struct('line_texts') }}
            )
    end
{%- endmacro %}

{% macro default__product_lines(lists) -%}
    case
        when coalesce({{ lists | join(', ') }}) is not null
            then transform(
                transform(
                    element_at(
                        filter(
                            transform(
                                filter(array[{{ lists | join(', ') }}], list -> list is not null),
                                list -> filter(
                                    transform(cast(json_parse(list) as array(json)), element -> json_format(element)),
                                    element -> starts_with(element, '{')
                                )
                            ),
                            objects -> cardinality(objects) > 0
                        ),
                        1
                    ),
                    line -> {{ json_texts('line', line_paths()) }}
                ),
                line_texts -> {{ line_struct('line_texts') }}
            )
    end
{%- endmacro %}

{# All keys of line_fields in a row. #}
{% macro line_paths() -%}
    {{ return(line_fields().values() | sum(start=[])) }}
{%- endmacro %}

{# A line out of the texts at line_paths. #}
{% macro line_struct(texts) -%}
    {%- set field_texts = {} -%}
    {%- set next = namespace(position=1) -%}
    {%- for field, keys in line_fields().items() -%}
        {%- set choices = [] -%}
        {%- for key in keys -%}
            {%- do choices.append(texts ~ '[' ~ (next.position + loop.index0) ~ ']') -%}
        {%- endfor -%}
        {%- set next.position = next.position + keys | length -%}
        {%- do field_texts.update({
            field: 'coalesce(' ~ choices | join(', ') ~ ')' if choices | length > 1 else choices[0],
        }) -%}
    {%- endfor -%}
    {%- set price = to_money(field_texts.price) -%}
    {%- do field_texts.update({
        'price': price,
        'quantity': 'case when ' ~ field_texts.quantity ~ ' is not null then ' ~ to_whole_number(field_texts.quantity)
            ~ ' when ' ~ price ~ ' is not null then 1 end',
    }) -%}
    {%- set columns = [] -%}
    {%- for name, type in line_columns() -%}
        {%- do columns.append((name, field_texts[name], type)) -%}
    {%- endfor -%}
    {{ named_struct(columns) }}
{%- endmacro %}


{#
    What an order is worth, decimal(18,2): the sum of price × quantity over its lines; where no line has a price,
    `order_value`, what the record says of the whole; else 0. An event without lines is one of its own price and quantity.
#}
{% macro order_revenue(lines, price, quantity, order_value) -%}
    coalesce(
        case
            when {{ list_length(lines) }} = 0 and {{ price }} is not null
                then coalesce(try_cast({{ price }} * {{ quantity }} as decimal(18, 2)), 0)
            else {{ lines_total(lines) }}
        end,
        {{ order_value }},
        0
    )
{%- endmacro %}

{# The sum of price × quantity over lines; null where none has a price, or where it does not fit. #}
{% macro lines_total(lines) -%}
    {{ return(adapter.dispatch('lines_total')(lines)) }}
{%- endmacro %}

{% macro duckdb__lines_total(lines) -%}
    try_cast(
        list_sum(
            list_transform(
                list_filter({{ lines }}, lambda line: line.price is not null),
                lambda line: coalesce(try_cast(line.price * line.quantity as decimal(18, 2)), 0)
            )
        ) as decimal(18, 2)
    )
{%- endmacro %}

{% macro default__lines_total(lines) -%}
    case
        when any_match({{ lines }}, line -> line.price is not null)
            then try_cast(
                reduce(
                    {{ lines }},
                    cast(0 as decimal(38, 2)),
                    (total, line) -> cast(
                        total + coalesce(try_cast(line.price * line.quantity as decimal(18, 2)), 0) as decimal(38, 2)
                    ),
                    total -> total
                ) as decimal(18, 2)
            )
    end
{%- endmacro %}


{#
    How many lines of an event fulfil a condition on product_id, price or quantity; an event without a list is one line when
    it has a product or a price.
#}
{% macro count_of_lines(lines, condition) -%}
    case
        when {{ list_length(lines) }} > 0 then {{ listed_lines_with(lines, condition) }}
        when (product_id is not null or price is not null) and {{ condition }} then 1
        else 0
    end
{%- endmacro %}

{# How many lines of a list fulfil a condition on their fields. #}
{% macro listed_lines_with(lines, condition) -%}
    {%- set condition = modules.re.sub('\\b(product_id|price|quantity)\\b', 'line.\\1', condition) -%}
    {{ return(adapter.dispatch('listed_lines_with')(lines, condition)) }}
{%- endmacro %}

{% macro default__listed_lines_with(lines, condition) -%}
    {{ return('cardinality(filter(' ~ lines ~ ', line -> ' ~ condition ~ '))') }}
{%- endmacro %}

{% macro duckdb__listed_lines_with(lines, condition) -%}
    {{ return('len(list_filter(' ~ lines ~ ', lambda line: ' ~ condition ~ '))') }}
{%- endmacro %}
