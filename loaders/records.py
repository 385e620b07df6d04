"""A record and the judgement of whether it is a JSON object."""

from __future__ import annotations

from typing import NamedTuple

import orjson

INVALID_UTF8 = "invalid UTF-8"

_JSON_TYPES = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


_HUGE_NUMBER = "number is infinity when parsed as double"


class Record(NamedTuple):
    """One record: its bytes as they came, and why they are no JSON object (None when they are one)."""

    payload: bytes
    parse_error: str | None


def judge(payload: bytes) -> Record:
    """Make the record of these bytes; strict JSON decides (RFC 8259, so neither NaN nor lone surrogates)."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if error.msg == _HUGE_NUMBER and payload.startswith(b"{"):
            # Sound JSON: what a number means is for the models to say.
            return Record(payload, None)
        return _broken(payload, error)
    if type(value) is dict:
        return Record(payload, None)
    return Record(payload, f"not a JSON object: {_JSON_TYPES[type(value)]}")


def _broken(payload: bytes, error: orjson.JSONDecodeError) -> Record:
    """Make the record of bytes that orjson refused, with its reason but without the place in the text."""
    return Record(payload, f"invalid JSON: {error.msg}" if is_utf8(payload) else INVALID_UTF8)


def is_utf8(payload: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
