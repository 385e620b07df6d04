"""Which keys the records of each format have, and where each was first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from oracle.records import RawRow, believed_modified_at, detect_format, inner_record, opened
from oracle.values import NotJson, to_datetime

_CONTAINERS = (
    "properties", "metadata", "eventData", "eventData.properties", "context", "event_properties",
    "event_params",
)  # fmt: skip


def schema_drift(rows: Iterable[RawRow]) -> list[dict[str, Any]]:
    """The rows of schema_drift for raw rows of web events, whatever becomes of them later."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], tuple[Any, str]] = {}
    for row in rows:
        try:
            record, _ = inner_record(row["payload"], row["payload_encoding"])
        except NotJson:
            continue
        record = opened(record)
        source_format = detect_format(record) or "unknown"
        seen = (to_datetime(believed_modified_at(row)), row["source_uri"])
        for name in _keys(record):
            key = (source_format, name)
            counts[key] += 1
            first[key] = min(seen, first.get(key, seen))
    return [
        {
            "source_format": key[0],
            "payload_key": key[1],
            "first_seen_at": first[key][0],
            "first_source_uri": first[key][1],
            "record_count": count,
        }
        for key, count in counts.items()
    ]


def _keys(record: dict[str, Any]) -> list[str]:
    names = list(record)
    for container in _CONTAINERS:
        inside: Any = record
        for step in container.split("."):
            inside = inside.get(step) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            names += [f"{container}.{name}" for name in inside]
    return names
