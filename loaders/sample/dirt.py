"""What goes wrong on the way: records that must be rejected, and copies that must be recognised.

Each rejected record has exactly one fault. In a stream without delimiters a record that is no JSON never has
another one beside it (`delivery` sees to that), and what parses in it stands as a value: a splitter that
takes a fragment of it for a record counts events that never happened.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from random import Random
from typing import Any, NamedTuple

import orjson

from loaders.sample import sessions, trackers
from loaders.sample.clock import MS_PER_DAY, MS_PER_HOUR, iso_z
from loaders.sample.containers import ARRAY, LINES, Container
from loaders.sample.formats import (
    CSV_COLUMNS,
    in_bare_envelope,
    in_data_envelope,
    in_kinesis_envelope,
)
from loaders.sample.sessions import COMMERCE, LEGACY, NESTED, OWN_FORMATS

# The order in which the reasons come up; those named more often are more frequent.
_REASONS = (
    "not_json_object",
    "several_events_in_envelope",
    "unknown_format",
    "no_visitor_id",
    "not_json_object",
    "unreadable_timestamp",
    "several_events_in_record",
    "future_event",
    "not_json_object",
    "before_2000",
    "unsupported_envelope",
)
_CSV_REASONS = ("unreadable_timestamp", "no_visitor_id", "future_event", "before_2000")

_LARGE_BYTES = (8 << 20) + 1

_GARBAGE = (
    "ERROR upstream timed out (110: Connection timed out)",
    "<html><body>502 Bad Gateway</body></html>",
    "undefined",
    "GET /health HTTP/1.1",
)
_SCALARS = ("42", '"just text"', "true", "null", "-1.5e3")
_ARRAYS = ("[1,2,3]", '["page_view","/"]', "[[],[null]]")
_UNKNOWN = (
    {},
    {"message": "hello"},
    {"event": "Space Viewed", "anonymousId": "a-1"},
    {"level": "info", "code": 7},
)
_UNREADABLE = (
    "not-a-date",
    "2026-02-30T10:00:00Z",
    "31/12/2025 10:00",
    "yesterday",
    "2026-01-05T25:61:00Z",
    "Mon Jan 5 2026",
)
_BEFORE_2000: tuple[str | int, ...] = (
    "1999-12-31T23:59:59Z",
    0,
    "1970-01-01",
    86_400,
    "946684799",
    946_684_799_999,
    "1985-10-26 01:21:00",
)


class Reject(NamedTuple):
    """A record to be rejected."""

    reason: str
    text: str
    is_object: bool
    """Whether the text is a JSON object by itself."""
    is_enveloped: bool


def reordered(text: str) -> str:
    """The same JSON object with its keys, at every depth, in the opposite order."""
    return orjson.dumps(_reversed(orjson.loads(text))).decode()


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed(value[key]) for key in reversed(value)}
    return value


class Dirt:
    """Makes records to be rejected, each kind in turn.

    Args:
        seed, first_day: of the call; they decide the contents.
    """

    def __init__(self, seed: int, first_day: int) -> None:
        self._rng = Random(f"{seed}/dirt/{first_day}")
        self._reasons = itertools.cycle(_REASONS)
        self._csv_reasons = itertools.cycle(_CSV_REASONS)
        self._turns: dict[str, int] = {}

    def reject(self, container: Container, at_ms: int) -> Reject:
        """The next record to be rejected, for a container that is no CSV file; `at_ms` is when it is sent."""
        reason = next(self._reasons)
        if reason == "not_json_object":
            return self._malformed(container, at_ms)
        if reason in ("several_events_in_envelope", "several_events_in_record", "unsupported_envelope"):
            return self._several(reason, at_ms)
        if reason == "unknown_format":
            record = _UNKNOWN[self._turn(reason) % len(_UNKNOWN)]
        else:
            event_format = OWN_FORMATS[self._turn(reason) % len(OWN_FORMATS)]
            record = self._faulty_event(reason, event_format, container, at_ms)
        text = _dumps(record)
        if self._rng.random() < 0.15:
            return Reject(reason, in_data_envelope(text), is_object=True, is_enveloped=True)
        return Reject(reason, text, is_object=True, is_enveloped=False)

    def csv_reject(self, container: Container, at_ms: int) -> tuple[str, list[str]]:
        """The reason and the fields of the next row to be rejected in a CSV file."""
        reason = next(self._csv_reasons)
        record = self._faulty_event(reason, container.kind, container, at_ms)
        return reason, [_csv_field(record.get(column)) for column in CSV_COLUMNS[container.kind]]

    def too_large(self, at_ms: int) -> str:
        """An event of more than 8 MiB."""
        record = _event(LEGACY, iso_z(at_ms), self._identity(), self._identity())
        return _dumps(record | {"snapshot": "x" * _LARGE_BYTES})

    def _several(self, reason: str, at_ms: int) -> Reject:
        """Events that come together, or compressed."""
        events = [
            _dumps(_event(event_format, iso_z(at_ms), self._identity(), self._identity()))
            for event_format in (LEGACY, COMMERCE)
        ]
        if reason == "several_events_in_record":
            text = f'{{"batch":[{",".join(events)}],"sentAt":"{iso_z(at_ms)}"}}'
            return Reject(reason, text, is_object=True, is_enveloped=False)
        if reason == "unsupported_envelope":
            packed = base64.b64encode(gzip.compress(events[0].encode(), mtime=0)).decode()
            return Reject(reason, f'{{"data":"{packed}"}}', is_object=True, is_enveloped=False)
        texts = ("\n".join(events), f"[{','.join(events)}]", "".join(events))
        contents = texts[self._turn(reason) % len(texts)]
        return Reject(reason, in_data_envelope(contents), is_object=True, is_enveloped=True)

    def _turn(self, name: str) -> int:
        turn = self._turns.get(name, 0)
        self._turns[name] = turn + 1
        return turn

    def _identity(self) -> str:
        return f"{self._rng.getrandbits(40):010x}"

    def _faulty_event(
        self, reason: str, event_format: str, container: Container, at_ms: int
    ) -> dict[str, Any]:
        turn = self._turn(f"{reason} value")
        time: str | int = iso_z(at_ms)
        if reason == "unreadable_timestamp":
            time = _UNREADABLE[turn % len(_UNREADABLE)]
        elif reason == "before_2000":
            time = _BEFORE_2000[turn % len(_BEFORE_2000)]
        elif reason == "future_event":
            ahead = container.end_ms + MS_PER_DAY + self._rng.randrange(1, 9_000) * MS_PER_HOUR
            time = iso_z(ahead) if turn % 2 else ahead
        record = _event(event_format, time, self._identity(), self._identity())
        if reason == "no_visitor_id":
            _remove_visitor(record, is_null=turn % 2 == 1)
        return record

    def _malformed(self, container: Container, at_ms: int) -> Reject:
        reason = "not_json_object"
        turn = self._turn(reason)
        in_array, in_lines = container.framing == ARRAY, container.framing == LINES
        if turn % 11 == 9:
            wrap = in_kinesis_envelope if turn % 2 else in_data_envelope
            return Reject(reason, wrap("no JSON in here"), is_object=True, is_enveloped=True)
        if in_array:
            scalars = _SCALARS + _ARRAYS
            return Reject(reason, scalars[turn % len(scalars)], is_object=False, is_enveloped=False)
        flat = _event(COMMERCE, iso_z(at_ms), self._identity(), self._identity())
        match turn % 11:
            case 0 | 4:
                text = _truncated(_dumps(flat), self._rng)
            case 1 | 6:
                text = _GARBAGE[turn % len(_GARBAGE)]
            case 2:
                text = _SCALARS[turn % len(_SCALARS)]
            case 3:
                text = _dumps(flat).replace('"price":null', '"price":NaN')
            case 5:
                text = _ARRAYS[turn % len(_ARRAYS)]
            case 7:
                text = _dumps(flat).replace("page_view", "page\udcff\udcfeview")
            case 8:
                text = _truncated(self._nest_of_events(iso_z(at_ms), is_spaced=turn % 2 == 1), self._rng)
            case _:
                if in_lines:
                    return Reject(reason, in_bare_envelope("cut off {"), is_object=False, is_enveloped=True)
                text = _truncated(_dumps(flat), self._rng)
        return Reject(reason, text, is_object=False, is_enveloped=False)

    def _nest_of_events(self, time: str, *, is_spaced: bool) -> str:
        """A record that holds whole events, as values of keys and in a list."""
        legacy, nested, *others = (
            _event(event_format, time, self._identity(), self._identity())
            for event_format in (LEGACY, NESTED, LEGACY, COMMERCE)
        )
        record = {"_id": nested.pop("_id"), "previous": legacy, "batch": others, **nested}
        return json.dumps(record) if is_spaced else _dumps(record)


def _dumps(record: dict[str, Any]) -> str:
    return orjson.dumps(record).decode()


def _truncated(text: str, rng: Random) -> str:
    """Cut a JSON object in the last third, inside of a string: what follows can't complete it."""
    end = rng.randrange(len(text) * 2 // 3, len(text) - 3)
    while text[:end].count('"') % 2 == 0:
        end -= 1
    return text[:end]


def _event(event_format: str, time: str | int, visitor: str, key: str) -> dict[str, Any]:
    """A plain event of a format."""
    url = f"https://tours.example.com/spaces/space-{key}"
    match event_format:
        case sessions.LEGACY:
            return {
                "type": "track",
                "event": "Space Viewed",
                "anonymousId": visitor,
                "sessionId": key,
                "timestamp": time,
                "properties": {"spaceId": f"space-{key}", "url": url},
            }
        case sessions.NESTED:
            date = {"$numberLong": str(time)} if isinstance(time, int) else time
            return {
                "_id": {"$oid": f"{int(key, 16):024x}"},
                "eventTimestamp": {"$date": date},
                "metadata": {"anonymousId": visitor, "appId": "web-viewer"},
                "eventData": {"type": "page", "properties": {"url": url, "country": "DE"}},
            }
        case sessions.COMMERCE:
            return {
                "timestamp": time,
                "user_id": visitor,
                "session_id": key,
                "event_type": "page_view",
                "product_id": None,
                "quantity": None,
                "price": None,
                "category": "books",
                "search_query": None,
            }
        case sessions.CLICKSTREAM:
            return {
                "user_id": visitor,
                "session_id": key,
                "event_type": "page_view",
                "event_timestamp": time,
                "device_type": "desktop",
                "page_url": "https://shop.example.com/",
                "referrer_url": None,
                "metadata": {"country": "US"},
            }
        case trackers.REES46:
            row = [time, "view", f"p-{key}", "2053013555631882655", "NULL", "nan", " 1.00 ", visitor, key]
            return dict(zip(trackers.REES46_COLUMNS, row, strict=True))
        case _:
            return {
                "session_id": key,
                "customer_id": visitor,
                "event_type": "page_view",
                "page": "/",
                "timestamp": time,
                "device": "mobile",
            }


def _csv_field(value: Any) -> str:
    if isinstance(value, dict):
        return _dumps(value)
    return "" if value is None else str(value)


def _remove_visitor(record: dict[str, Any], *, is_null: bool) -> None:
    """Take the visitor's id out of an event: the key, or only its value."""
    holder = record["metadata"] if "eventData" in record else record
    for key in ("anonymousId", "user_id", "customer_id"):
        if key in holder:
            if is_null:
                holder[key] = None
            else:
                del holder[key]
