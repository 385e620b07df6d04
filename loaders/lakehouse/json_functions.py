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

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

NAME = "canonical_json_object"
# What orjson may write in another way than Trino: large and small floats, escapes, astral characters. RE2
# takes a whole array at once: Python's re would need longer than all the rest.
_NEEDS_CARE = (
    r"\d{8}\.\d|[:,\[]-?(0\.00\d|\d[\d.]*e)|[:,\[]-0[,}\]]|\\u00|[\x{10000}-\x{10ffff}\x{e000}-\x{ffff}]"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\U00010000-\U0010ffff]')


def canonical_json_objects(texts: pa.StringArray) -> pa.StringArray:
    """The canonical text of each JSON object; null for what is no JSON object.

    Strict JSON (RFC 8259: no NaN, no lone surrogates, nothing after the object), keys sorted, the last of
    repeated keys, no white space. Objects nested deeper than 254 levels are none.

    Args:
        texts: any texts, also null.

    Returns:
        As many texts.
    """
    values = texts.to_pylist()
    written = _from_bytes([_with_sorted_keys(text) for text in values])
    careful = np.flatnonzero(pc.match_substring_regex(written, _NEEDS_CARE).to_numpy(zero_copy_only=False))
    if not careful.size:
        return written
    # orjson reads integers beyond 64 bits as floats; json keeps their digits.
    rewritten = pa.array([_write(json.loads(values[index])) for index in careful], pa.string())
    mask = np.zeros(len(values), dtype=bool)
    mask[careful] = True
    return pc.replace_with_mask(written, pa.array(mask), rewritten)


def _with_sorted_keys(text: str | None) -> bytes:
    """What orjson makes of a text; empty when that is no JSON object."""
    if not text:
        return b""
    try:
        value = orjson.loads(text)
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if type(value) is dict else b""
    except (orjson.JSONDecodeError, TypeError):
        # A TypeError is for more than 254 levels.
        return b""


def _from_bytes(texts: list[bytes]) -> pa.StringArray:
    """UTF-8 texts as an array, the empty ones as null: their bytes are joined, not converted one by one."""
    lengths = np.fromiter(map(len, texts), dtype=np.int32, count=len(texts))
    offsets = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(lengths, dtype=np.int32)])
    is_text = np.packbits(lengths > 0, bitorder="little")
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)), pa.py_buffer(is_text)
    )


def register(connection: DuckDBPyConnection) -> None:
    """Make `canonical_json_object(varchar) -> varchar` known to a DuckDB instance."""
    connection.create_function(
        NAME,
        _canonical_json_objects,
        ["VARCHAR"],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )


def unregister(connection: DuckDBPyConnection) -> None:
    """Take the function from the instance again, by the connection that registered it."""
    connection.remove_function(NAME)


def _canonical_json_objects(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return canonical_json_objects(texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)


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
