"""The manifest: what a call has written, exactly, so that any load of it can be checked."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from loaders.sample.clock import ODD_SPELLINGS
from loaders.sample.oddities import ODDITIES
from loaders.sample.shop_dirt import REASONS as COMMERCE_REASONS

MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 2
REJECTION_REASONS = (
    "record_too_large",
    "several_events_in_envelope",
    "unsupported_envelope",
    "several_events_in_record",
    "not_json_object",
    "unknown_format",
    "no_visitor_id",
    "unreadable_timestamp",
    "future_event",
    "before_2000",
)
DIRT = (
    *ODDITIES,
    *dict.fromkeys(ODD_SPELLINGS.values()),
    "copies_over_midnight",
    "separators",
    "url_safe_envelopes",
)


@dataclass(frozen=True)
class Manifest:
    """The arguments of a call and the counts of what it wrote.

    "Events" are accepted distinct events, "records" are raw rows:
    `records` = `events` + `duplicates` + the sum of `rejected`.
    """

    arguments: dict[str, Any]
    """seed, events, days, start (ISO date), first_day."""
    datasets: dict[str, dict[str, int]]
    """Per dataset `files` and `records`; of the shop's also `distinct` ids and `duplicates`, further records
    of an id: `records` = `distinct` + `duplicates` + the sum of `rejected_commerce`."""
    records: int
    events: int
    duplicates: int
    """Further copies of an event: delivered again, some with other key order or in an envelope."""
    rejected: dict[str, int]
    """Records per rejection reason."""
    late_events: int
    """Events with a time of their own before the time that the object of their first delivery covers."""
    arrival_time_events: int
    """Events without a time of their own."""
    bot_events: dict[str, int]
    """`crawler` (by user agent) and `scripted` (by behaviour)."""
    events_by_format: dict[str, int]
    enveloped_records: int
    """Records in a Kinesis envelope, duplicates and rejected ones included."""
    loaders: dict[str, dict[str, int]]
    """Per loader of web events: `objects`, `records`, `malformed` (text that is no JSON object by itself)."""
    blank_lines: int
    """Lines of white space: no records."""
    purchases: dict[str, Any]
    """`events`, `revenue` (decimal text), `without_amount` (no known price or quantity: they add 0)."""
    dirt: dict[str, int] = field(default_factory=dict)
    """Distinct events of the five formats of one's own, by what is odd about them (see `oddities`) or about
    the spelling of their times: `time_objects`, `micro_and_nanoseconds`, `utc_suffix`. And, of all records,
    `copies_over_midnight`: copies that are dated a day later; `separators`: records behind a byte order
    mark, NUL or record separator; `url_safe_envelopes`: base64 that is no standard one."""
    rejected_commerce: dict[str, dict[str, int]] = field(default_factory=dict)
    """Per dataset of the shop the records per rejection reason."""
    version: int = MANIFEST_VERSION

    def to_json(self) -> str:
        """The manifest as indented JSON, the same text for the same manifest."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote; version 1 counted no dirt by kinds.

        Raises:
            ValueError: the text is no JSON, or a manifest of another version.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("version") not in (1, MANIFEST_VERSION):
            raise ValueError(f"not a sample manifest of version {MANIFEST_VERSION}, nor of version 1")
        return cls(**values)

    def write(self, directory: Path) -> Path:
        """Write `manifest.json` in a directory; returns its path."""
        path = directory / MANIFEST_NAME
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @classmethod
    def read(cls, directory: Path) -> Manifest:
        """Read the `manifest.json` of a directory.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is no manifest of this version.
        """
        return cls.from_json((directory / MANIFEST_NAME).read_text(encoding="utf-8"))


@dataclass
class Tally:
    """The counts while they grow; `manifest` gives the result."""

    events: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    late: int = 0
    without_time: int = 0
    bots: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    enveloped: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    """Files per loader."""
    records: Counter[str] = field(default_factory=Counter)
    """Raw rows per loader."""
    malformed: Counter[str] = field(default_factory=Counter)
    """Per loader."""
    blank_lines: int = 0
    dirt: Counter[str] = field(default_factory=Counter)
    purchases: int = 0
    purchases_without_amount: int = 0
    revenue_cents: int = 0
    datasets: dict[str, Counter[str]] = field(default_factory=dict)
    """Files, records, distinct ids and duplicates of the datasets other than web events."""
    rejected_commerce: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Records per dataset other than web events and rejection reason."""

    def manifest(
        self, arguments: dict[str, Any], loaders: tuple[str, ...], formats: tuple[str, ...]
    ) -> Manifest:
        """The manifest of what was counted; every loader, format and reason is named, also with 0."""
        records = sum(self.records.values())
        web_events = {"files": sum(self.objects.values()), "records": records}
        return Manifest(
            arguments=arguments,
            datasets={"web_events": web_events}
            | {name: dict(counts) for name, counts in self.datasets.items()},
            records=records,
            events=self.events,
            duplicates=self.duplicates,
            rejected={reason: self.rejected[reason] for reason in REJECTION_REASONS},
            late_events=self.late,
            arrival_time_events=self.without_time,
            bot_events={kind: self.bots[kind] for kind in ("crawler", "scripted")},
            events_by_format={name: self.formats[name] for name in formats},
            enveloped_records=self.enveloped,
            loaders={
                name: {
                    "objects": self.objects[name],
                    "records": self.records[name],
                    "malformed": self.malformed[name],
                }
                for name in loaders
            },
            blank_lines=self.blank_lines,
            dirt={kind: self.dirt[kind] for kind in DIRT},
            purchases={
                "events": self.purchases,
                "revenue": str((Decimal(self.revenue_cents) / 100).quantize(Decimal("0.01"))),
                "without_amount": self.purchases_without_amount,
            },
            rejected_commerce={
                name: {reason: self.rejected_commerce[name][reason] for reason in reasons}
                for name, reasons in COMMERCE_REASONS.items()
            },
        )
