"""The one function that DuckDB lacks: the canonical form of a JSON object.

The form is the one that Trino's `json_format(json_parse(text))` gives, so that an event that is known by a
hash of its record has the same id on every engine. It differs from orjson's output in very large and small
numbers, characters outside the basic plane and some control characters; few records have any of these.
"""

from __future__ import annotations

import json
import re
from decimal import Context, Decimal
from typing import Any

import orjson
import pyarrow as pa
from duckdb import DuckDBPyConnection

# What orjson may write in another way than Trino: large and small floats, escapes, astral characters.
_NEEDS_CARE = re.compile(
    r"\d{8}\.\d|[:,\[]-?0\.00\d|\de[+-]?\d|[:,\[]-0[,}\]]|\\u00|[\U00010000-\U0010ffff\ue000-\uffff]"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\U00010000-\U0010ffff]')


def canonical_json_object(text: str) -> str | None:
    """Return the canonical text of a JSON object, or None when the text is no JSON object.

    Strict JSON (RFC 8259: no NaN, no lone surrogates, nothing after the object), keys sorted, the last of
    repeated keys, no white space.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    try:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # Nested deeper than 254 levels: no event, on any engine.
        return None
    if _NEEDS_CARE.search(written):
        # orjson reads integers beyond 64 bits as floats; json keeps their digits.
        return _write(json.loads(text))
    return written


def register(connection: DuckDBPyConnection) -> None:
    """Make `canonical_json_object(varchar) -> varchar` known to a DuckDB instance."""
    connection.create_function(
        "canonical_json_object",
        _canonical_json_objects,
        ["VARCHAR"],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )


def _canonical_json_objects(texts: pa.Array) -> pa.Array:
    values = [None if text is None else canonical_json_object(text) for text in texts.to_pylist()]
    return pa.array(values, pa.string())


def _write(value: Any) -> str:
    """Write a value as Trino does."""
    if isinstance(value, dict):
        # Java compares UTF-16 code units.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_write(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, str):
        return '"' + _ESCAPED.sub(_escape, value) + '"'
    if isinstance(value, float):
        return _write_double(value)
    return json.dumps(value)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in _ESCAPES:
        return _ESCAPES[character]
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02X}{units[i + 1]:02X}" for i in range(0, len(units), 2))


def _write_double(value: float) -> str:
    """Write a finite double as Java's Double.toString does: with a power of ten outside [1e-3, 1e7)."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = format(Decimal(repr(value)), "f")
        return text if "." in text else f"{text}.0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if len(digits) == 1:
        # Of numbers that one digit would do for, Java writes the nearest of two digits: 4.9E-324 for 5e-324.
        nearest = Decimal(value).normalize(Context(prec=2))
        if float(nearest) == value:
            sign, digits, exponent = nearest.normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{int(exponent) + len(digits) - 1}"
