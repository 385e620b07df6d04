"""What is odd about all records of some sessions: shared ids, wrappers, text instead of JSON, blanks.

A session has one oddity at the most. The events stay the same events: whoever reads them as docs/formats.md
says finds what was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from loaders.sample.vocabulary import SHARED_IDS

SHARED_ID = "shared_ids"
"""An id of the event (or, of nobody, of the user) that means nothing: other events have it, too."""
WRAPPED = "mongo_wrappers"
"""Numbers as MongoDB's canonical extended JSON has them."""
JSON_AS_TEXT = "json_as_text"
"""Objects as text that holds their JSON."""
PADDED = "padded_values"
"""Blanks around the texts."""
ID_OF_ANOTHER = "ids_of_another_visitor"
"""The ids of the events are those of another visitor's events."""
ODDITIES = (SHARED_ID, WRAPPED, JSON_AS_TEXT, PADDED, ID_OF_ANOTHER)

_EVENT_IDS = ("messageId", "event_id", "click_id")
_HOLDERS = ("properties", "metadata", "eventData")


def odd(oddity: str, text: str, index: int) -> str:
    """A record with an oddity.

    Args:
        oddity: one of ODDITIES but ID_OF_ANOTHER, which is a matter of the session.
        text: the record as JSON.
        index: which of its session's records it is.
    """
    record = orjson.loads(text)
    return orjson.dumps(_CHANGES[oddity](record, index)).decode()


def _with_shared_ids(record: dict[str, Any], index: int) -> dict[str, Any]:
    shared = SHARED_IDS[index % len(SHARED_IDS)]
    record |= {name: shared for name in _EVENT_IDS if name in record}
    return record | {"userId": "undefined"} if "anonymousId" in record and "userId" not in record else record


def _wrapped(record: dict[str, Any], _: int) -> dict[str, Any]:
    return record | {"eventData": _with_wrappers(record["eventData"]), "__v": {"$numberInt": "0"}}


def _with_wrappers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_wrappers(inner) for key, inner in value.items()}
    if isinstance(value, int):
        return {"$numberInt": str(value)}
    return {"$numberDouble": repr(value)} if isinstance(value, float) else value


def _with_json_as_text(record: dict[str, Any], _: int) -> dict[str, Any]:
    return record | {name: orjson.dumps(record[name]).decode() for name in _HOLDERS if name in record}


def _padded(record: dict[str, Any], index: int) -> dict[str, Any]:
    before, after = (" ", "\t", "\n ")[index % 3], ("  ", "\r\n", "")[index % 3]
    padded = {
        key: f"{before}{value}{after}" for key, value in record.items() if value and isinstance(value, str)
    }
    holders = {key: _padded(record[key], index) for key in _HOLDERS if key in record}
    return record | padded | holders


_CHANGES: dict[str, Callable[[dict[str, Any], int], dict[str, Any]]] = {
    SHARED_ID: _with_shared_ids,
    WRAPPED: _wrapped,
    JSON_AS_TEXT: _with_json_as_text,
    PADDED: _padded,
}
