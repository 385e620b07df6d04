"""What a run has done, for people and for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from loaders.errors import LoaderError


@dataclass
class Summary:
    """The counts of a run."""

    dataset: str
    objects: int = 0
    """Objects that were found."""
    markers: int = 0
    """What lies beside them without data (`_SUCCESS`, `.crc`, no bytes …), not among `objects`."""
    listed_after: str = ""
    """How the address of the objects goes on after the URI's where listing began; empty for the start."""
    loaded: int = 0
    """Objects that this run has loaded."""
    skipped: int = 0
    """Objects whose version had been loaded before."""
    changed: int = 0
    """Objects of which another version had been loaded before; staging keeps the newest one's records."""
    records: int = 0
    malformed: int = 0
    """Records with a parse_error."""
    bytes: int = 0
    """Size of the loaded objects as stored."""
    seconds: float = 0.0
    batch_ids: list[str] = field(default_factory=list)
    errors: list[LoaderError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was out of order and has been mended."""
    refused: set[tuple[str, str]] = field(default_factory=set)
    """Object versions (uri, etag) that can't be loaded, whatever one tries."""

    def add_batch(self, batch_id: str, *, objects: int, records: int, malformed: int, size: int) -> None:
        """Count a committed batch."""
        self.batch_ids.append(batch_id)
        self.loaded += objects
        self.records += records
        self.malformed += malformed
        self.bytes += size

    @property
    def records_per_second(self) -> float:
        return self.records / self.seconds if self.seconds else 0.0

    def to_json(self) -> str:
        """One JSON document on one line."""
        return json.dumps(
            {
                "dataset": self.dataset,
                "objects": self.objects,
                "markers": self.markers,
                "listed_after": self.listed_after,
                "loaded": self.loaded,
                "skipped": self.skipped,
                "changed": self.changed,
                "records": self.records,
                "malformed": self.malformed,
                "bytes": self.bytes,
                "seconds": round(self.seconds, 3),
                "records_per_second": round(self.records_per_second),
                "batches": len(self.batch_ids),
                "batch_ids": self.batch_ids,
                "notes": self.notes,
                "errors": [str(error) for error in self.errors],
            }
        )

    def to_text(self) -> str:
        """One or two lines for people, without the errors."""
        failed = f", {len(self.errors)} with errors" if self.errors else ""
        text = (
            f"raw.{self.dataset}: {self.loaded:,} of {self.objects:,} objects loaded, "
            f"{self.skipped:,} already there{failed}"
        )
        if self.markers:
            text += f"\n{self.markers:,} without data were skipped (markers such as _SUCCESS, or no bytes)"
        if self.listed_after:
            text += f"\nlisted from {self.listed_after} on"
        if self.changed:
            text += f"\n{self.changed:,} objects had changed: their new version takes the old one's place"
        if not self.loaded:
            return text
        return (
            f"{text}\n"
            f"{self.records:,} records ({self.malformed:,} malformed) from {self.bytes / 1e6:,.1f} MB "
            f"in {self.seconds:.1f} s, {self.records_per_second:,.0f} records/s, "
            f"batches: {len(self.batch_ids)}"
        )
