"""The canonical form of JSON, against what a Trino 476 server answered to json_format(json_parse(text))."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from loaders.lakehouse.json_functions import LONGEST_KEY, canonical_json_objects


def canonical_json_object(text: str) -> str | None:
    """The function on an array in which the text has neighbours of each kind."""
    texts = pa.array([None, '{"n":1e30}', text, "no object", '{"a":"3e5"}'])
    first, large, canonical, none, last = canonical_json_objects(texts).to_pylist()
    assert (first, large, none, last) == (None, '{"n":1.0E30}', None, '{"a":"3e5"}')
    return canonical


# Each pair: a number as written in a record, and as Trino prints it.
NUMBERS = {
    "1.50": "1.5",
    "1e2": "100.0",
    "1.0": "1.0",
    "9999999.0": "9999999.0",
    "10000000.0": "1.0E7",
    "100000000.0": "1.0E8",
    "0.001": "0.001",
    "0.0001": "1.0E-4",
    "1e-7": "1.0E-7",
    "123456789.123456789": "1.2345678912345679E8",
    "9007199254740993.0": "9.007199254740992E15",
    "-0": "0",
    "-0.0": "-0.0",
    "1E-400": "0.0",
    "29.99": "29.99",
    "12345678901234567890": "12345678901234567890",
    "123456789012345678901234567890": "123456789012345678901234567890",
    "-121.71": "-121.71",
    "-1.5e10": "-1.5E10",
}


@pytest.mark.parametrize(("written", "printed"), NUMBERS.items())
def test_numbers(written: str, printed: str) -> None:
    assert canonical_json_object(f'{{"a":{written}}}') == f'{{"a":{printed}}}'
    assert canonical_json_object(f'{{"a":[{{"b":{written}}}]}}') == f'{{"a":[{{"b":{printed}}}]}}'


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('{"b":1, "a":{"d":2,"c":3}}', '{"a":{"c":3,"d":2},"b":1}'),
        ('{"a":1,"a":2}', '{"a":2}'),
        ('{"a":{"x":1,"x":2}}', '{"a":{"x":2}}'),
        ('{"A":1,"a":2}', '{"A":1,"a":2}'),
        ('{"\\u0061":1,"a":2}', '{"a":2}'),
        ('{"a":"\\u00e9\\u2028\\/"}', '{"a":"é\u2028/"}'),
        ('{"a":"\\u001f\\u0000\\t"}', '{"a":"\\u001F\\u0000\\t"}'),
        ('{"a":"\\ud83d\\ude00"}', '{"a":"\\uD83D\\uDE00"}'),
        ('{"\uffff":1,"\U0001f600":2,"z":3}', '{"z":3,"\\uD83D\\uDE00":2,"\uffff":1}'),
        (' {"a" : [ ] , "b" : null , "c":true,"d":false} ', '{"a":[],"b":null,"c":true,"d":false}'),
    ],
)
def test_objects(text: str, canonical: str) -> None:
    assert canonical_json_object(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        '"a"',
        "null",
        '{"a":NaN}',
        '{"a":1} x',
        '{"a":1}{}',
        '{"a":"\\ud800"}',
        "{'a':1}",
        "\ufeff{}",
    ],
)
def test_what_is_no_object(text: str) -> None:
    assert canonical_json_object(text) is None


def test_an_object_nested_too_deep_is_none() -> None:
    assert canonical_json_object('{"a":' * 300 + "1" + "}" * 300) is None
    assert canonical_json_object('{"a":' * 200 + "1" + "}" * 200) is not None


@pytest.mark.parametrize("character", ["k", "é", '"', "\\", "\t", "😀"])
def test_an_object_with_a_key_that_is_too_long_is_none(character: str) -> None:
    longest = character * (LONGEST_KEY // (2 if character == "😀" else 1))
    for escaped in (True, False):
        fits, too_long = (
            json.dumps({"a": [{key: 1}]}, ensure_ascii=escaped) for key in (longest, longest + character)
        )
        assert canonical_json_object(fits) is not None
        assert canonical_json_object(too_long) is None
    assert canonical_json_object(json.dumps({"a": longest + character})) is not None
    assert canonical_json_object(f'{{"a":{{"{"k" * (LONGEST_KEY + 1)}":1}},"a":2}}') is None
