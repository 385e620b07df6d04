"""A record and the judgement of whether it is a JSON object."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import orjson

LONGEST_RECORD = 8 << 20
"""In bytes. Athena allows 32 MB for a row, and a model may have the text of a field three times in one."""
KEPT_OF_LONGER = 4096
"""Of a longer record so many bytes become the payload."""

INVALID_UTF8 = "invalid UTF-8"
OUT_OF_RANGE = "a number is out of range"
TOO_LARGE = "record too large"
NOT_AN_OBJECT = "not a JSON object"

_JSON_TYPES = {
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_HUGE_NUMBER = "number is infinity when parsed as double"
_SHORT = 32


class Record(NamedTuple):
    """One record: its bytes as they came, and why they are no JSON object (None when they are one)."""

    payload: bytes
    parse_error: str | None


def judge(payload: bytes) -> Record:
    """Make the record of these bytes; strict JSON decides (RFC 8259, so neither NaN nor lone surrogates).

    A number that no double holds is JSON, but no engine reads it: it is an error, too.
    """
    # What comes by the million is short and the same again and again.
    return _judge_again(payload) if len(payload) <= _SHORT else _judge(payload)


def too_large(uri: str, start: bytes, size: int, where: str) -> Record:
    """Make the record that stands for one that no row can hold.

    Args:
        uri: the object.
        start: the record's first bytes, at least KEPT_OF_LONGER.
        size: of the record, in bytes.
        where: it starts in the object's text.
    """
    reason = f"{TOO_LARGE}: {size} bytes at {where} of {uri}, more than {LONGEST_RECORD}"
    payload = start[:KEPT_OF_LONGER]
    # Not within a character.
    cut = next((cut for cut in range(1, 4) if is_utf8(payload[:-cut])), 0) if not is_utf8(payload) else 0
    return Record(payload[: len(payload) - cut], f"{reason}; only its start was loaded")


def is_utf8(payload: bytes) -> bool:
    """Whether the bytes are valid UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _judge(payload: bytes) -> Record:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        return Record(payload, _reason(payload, error))
    if type(value) is dict:
        return Record(payload, None)
    return Record(payload, f"{NOT_AN_OBJECT}: {_JSON_TYPES[type(value)]}")


_judge_again = lru_cache(1 << 16)(_judge)


def _reason(payload: bytes, error: orjson.JSONDecodeError) -> str:
    """Why orjson refused the bytes, without the place in the text."""
    if not is_utf8(payload):
        return INVALID_UTF8
    return OUT_OF_RANGE if error.msg == _HUGE_NUMBER else f"invalid JSON: {error.msg}"
