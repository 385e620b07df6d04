"""What DuckDB lacks for reading records: the canonical form of a JSON object, and what is opened in it.

The form is the one that Trino's `json_format(json_parse(text))` gives, so that an event that is known by a
hash of its record has the same id on every engine. It differs from orjson's output in very large and small
numbers, characters outside the basic plane and some control characters; few records have any of these.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

NAME = "canonical_json_object"
LONGEST_KEY = 50_000
"""In UTF-16 code units, as Trino's JSON parser (Jackson) counts."""
# What orjson may write in another way than Trino: large and small floats, escapes, astral characters. RE2
# takes a whole array at once: Python's re would need longer than all the rest.
_NEEDS_CARE = (
    r"[:,\[]-?(\d{8,}\.\d|0\.00\d|\d[\d.]*e)|[:,\[]-0[,}\]]|\\u00|[\x{10000}-\x{10ffff}\x{e000}-\x{ffff}]"
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG_NUMBER = re.compile(r"[0-9]{19}")
_SECONDS = re.compile(r"-?[0-9]{1,12}")
_NANOS = re.compile(r"[0-9]{1,9}")
_TYPED_VALUES = ("string_value", "int_value", "float_value", "double_value")
_ESCAPED = re.compile(r'["\\\x00-\x1f\U00010000-\U0010ffff]')


def canonical_json_objects(texts: pa.StringArray) -> pa.StringArray:
    """The canonical text of each JSON object; null for what is no JSON object.

    Strict JSON (RFC 8259: no NaN, no lone surrogates, nothing after the object), keys sorted, the last of
    repeated keys, no white space. Objects nested deeper than 254 levels are none, nor those with a key
    that is longer than LONGEST_KEY.

    Args:
        texts: any texts, also null.

    Returns:
        As many texts.
    """
    values = texts.to_pylist()
    written = _from_bytes([_with_sorted_keys(text) for text in values])
    careful = pc.fill_null(pc.match_substring_regex(written, _NEEDS_CARE), False)
    # orjson reads integers beyond 64 bits as floats; json keeps their digits.
    return _rewritten(written, careful, lambda index: json.loads(values[index]))


def _with_sorted_keys(text: str | None) -> bytes:
    """What orjson makes of a text; empty when that is no JSON object."""
    if not text:
        return b""
    try:
        value = orjson.loads(text)
        if type(value) is not dict or (len(text) > LONGEST_KEY // 2 and _has_long_key(text)):
            return b""
        return _written(value)
    except orjson.JSONDecodeError:
        return b""


def _has_long_key(text: str) -> bool:
    """Whether JSON has a key that is too long, be it one that a repeated key hides."""
    # Texts and what is between them: of a text each character stands for two UTF-16 code units at the most.
    parts = text.replace("\\\\", "__").replace('\\"', "__").split('"')
    if max(map(len, parts)) <= LONGEST_KEY // 2:
        return False
    lengths = [0]

    def note_keys(pairs: list[tuple[str, Any]]) -> None:
        lengths.extend(len(key.encode("utf-16-le")) // 2 for key, _ in pairs)

    json.loads(text, object_pairs_hook=note_keys)
    return max(lengths) > LONGEST_KEY


def _from_bytes(texts: list[bytes]) -> pa.StringArray:
    """UTF-8 texts as an array, the empty ones as null: their bytes are joined, not converted one by one."""
    lengths = np.fromiter(map(len, texts), dtype=np.int32, count=len(texts))
    offsets = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(lengths, dtype=np.int32)])
    is_text = np.packbits(lengths > 0, bitorder="little")
    return pa.StringArray.from_buffers(
        len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)), pa.py_buffer(is_text)
    )


def _rewritten(
    written: pa.StringArray, careful: pa.BooleanArray, value: Callable[[int], Any]
) -> pa.StringArray:
    """What orjson has written, and what `_write` makes of some of the values."""
    indices = np.flatnonzero(careful.to_numpy(zero_copy_only=False))
    if not indices.size:
        return written
    return pc.replace_with_mask(
        written, careful, pa.array([_write(value(index)) for index in indices], pa.string())
    )


def opened_json(texts: list[str], objects: list[list[str]], times: list[str]) -> pa.StringArray:
    """Canonical JSON in which JSON held as text, lists of keys and values, and objects of times are opened.

    What Trino does by macros/sql/json.sql, where it says what is opened: see `readable_json`.

    Args:
        texts: the canonical texts of JSON objects.
        objects: keys of objects and lists by depth: those of the record, those in them, and so on.
        times: keys of the record where a time is expected.

    Returns:
        As many canonical texts.
    """
    records = [_opened(text, objects, times) for text in texts]
    written = _from_bytes([_written(record) for record in records])
    careful = pc.fill_null(pc.match_substring_regex(written, _NEEDS_CARE), True)
    return _rewritten(written, careful, records.__getitem__)


def _opened(text: str, objects: list[list[str]], times: list[str]) -> dict[str, Any]:
    record = _read(text)
    _open_members(record, objects, times)
    for name in times:
        if isinstance(record.get(name), dict):
            record[name] = _seconds(record[name])
    return record


def _open_members(parent: dict[str, Any], objects: list[list[str]], times: list[str]) -> None:
    for name in objects[0]:
        if name in parent and name not in times:
            value = parent[name] = _keyed(_parsed(parent[name]))
            if isinstance(value, dict) and objects[1:]:
                _open_members(value, objects[1:], [])


def _read(text: str) -> Any:
    # orjson reads integers beyond 64 bits as floats; json keeps their digits.
    return json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text)


def _written(value: Any) -> bytes:
    """What orjson makes of a value; empty for a long integer or more than 254 levels."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return b""


def _parsed(value: Any) -> Any:
    """The object or list that a text holds as JSON; any other value as it is."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return value
    wrapped = f'{{"x":{value}}}'
    return _read(wrapped)["x"] if _with_sorted_keys(wrapped) else value


def _keyed(value: Any) -> Any:
    """A list of {"key": …, "value": …} as an object; any other value as it is."""
    if not isinstance(value, list) or not value:
        return value
    if not all(isinstance(pair, dict) and isinstance(pair.get("key"), str) for pair in value):
        return value
    return {pair["key"]: _typed(pair.get("value")) for pair in value}


def _typed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in _TYPED_VALUES if value.get(name) is not None), None)


def _seconds(value: dict[str, Any]) -> Any:
    """The seconds of an object that holds a time, with six decimals; any other object as it is."""
    stamp = value.get("$timestamp")
    t = stamp.get("t") if isinstance(stamp, dict) else None
    seconds = _first_scalar(value.get("_seconds"), value.get("seconds"), t)
    nanos = _first_scalar(value.get("_nanoseconds"), value.get("nanos"), value.get("nanoseconds"))
    if not _SECONDS.fullmatch(seconds):
        return value
    return f"{seconds}.{int(nanos) // 1000:06d}" if _NANOS.fullmatch(nanos) else f"{seconds}.000000"


def _first_scalar(*values: Any) -> str:
    found = next((value for value in values if isinstance(value, str | int | float)), "")
    return str(found)


def register(connection: DuckDBPyConnection) -> None:
    """Make `canonical_json_object(json)` and `opened_json(json, objects, times)` known to a DuckDB."""
    connection.create_function(
        NAME,
        _canonical_json_objects,
        ["VARCHAR"],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )
    connection.create_function(
        "opened_json", _opened_json, ["VARCHAR", "VARCHAR", "VARCHAR"], "VARCHAR", type="arrow"
    )


def unregister(connection: DuckDBPyConnection) -> None:
    """Take the function from the instance again, by the connection that registered it."""
    connection.remove_function(NAME)


def _canonical_json_objects(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return canonical_json_objects(texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts)


def _opened_json(texts: pa.ChunkedArray, objects: pa.ChunkedArray, times: pa.ChunkedArray) -> pa.Array:
    if not len(texts):
        return pa.array([], pa.string())
    # The same for all rows.
    names, keys = json.loads(objects[0].as_py()), json.loads(times[0].as_py())
    return opened_json(texts.to_pylist(), names, keys)


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
