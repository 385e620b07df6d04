"""Write the objects of the landing area: framing, compression, names and modification times."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
from pathlib import Path
from typing import BinaryIO

from loaders.sample.clock import MS_PER_MINUTE, iso_z
from loaders.sample.containers import ARRAY, CONCATENATED, CSV, FIREHOSE, LINES, Container
from loaders.sample.formats import CSV_COLUMNS
from loaders.sample.manifest import Tally

MAX_RECORDS_PER_OBJECT = 100_000
_COMPRESSION = 1
_PENDING_RECORDS = 200


def set_modified(path: Path, at_ms: int) -> None:
    """Give a file the modification time `at_ms` (milliseconds since the epoch, UTC)."""
    nanoseconds = at_ms * 1_000_000
    os.utime(path, ns=(nanoseconds, nanoseconds))


def csv_text(rows: list[list[str]]) -> str:
    """Rows as CSV with line feeds, quoted where needed."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


class ObjectWriter:
    """One object, written as it comes.

    Records are text; a byte that is no UTF-8 stands in it as a lone surrogate (`surrogateescape`). A record
    of a CSV file is its line with the line feed; a blank record in an object of lines is a blank line.

    Args:
        path: where to write; directories are made.
        container: framing, compression and modification time.
    """

    def __init__(self, path: Path, container: Container) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.records = 0
        self._path = path
        self._container = container
        self._file = path.open("wb")
        self._stream: BinaryIO | gzip.GzipFile = self._file
        if container.is_gzipped:
            self._stream = gzip.GzipFile("", "wb", _COMPRESSION, self._file, mtime=0)
        self._pending: list[str] = []
        self._between = {CONCATENATED: "", CSV: "", LINES: "\n", ARRAY: ",\n"}[container.framing]
        self._is_first = True
        if container.framing == CSV:
            self._stream.write(csv_text([CSV_COLUMNS[container.kind]]).encode())
        if container.framing == ARRAY:
            self._stream.write(b"[\n")

    def add(self, records: list[str], blank_lines: int = 0) -> None:
        """Append records, of which `blank_lines` are none."""
        self._pending.extend(records)
        self.records += len(records) - blank_lines
        if len(self._pending) >= _PENDING_RECORDS:
            self._write_pending()

    def close(self) -> None:
        """Finish the object and set its modification time."""
        self._write_pending()
        if self._container.framing == LINES:
            self._stream.write(b"\n")
        if self._container.framing == ARRAY:
            self._stream.write(b"\n]\n")
        if self._stream is not self._file:
            self._stream.close()
        self._file.close()
        set_modified(self._path, self._container.end_ms)

    def _write_pending(self) -> None:
        if not self._pending:
            return
        text = self._between.join(self._pending)
        if not self._is_first:
            text = self._between + text
        self._stream.write(text.encode("utf-8", "surrogateescape"))
        self._pending = []
        self._is_first = False


class Landing:
    """The web events' objects under a directory; holds one object open, and the CSV files of a day or two.

    Args:
        directory: the landing area.
        seed: part of the objects' names.
        tally: counts objects and records per loader.
    """

    def __init__(self, directory: Path, seed: int, tally: Tally) -> None:
        self._directory = directory
        self._seed = seed
        self._tally = tally
        self._container: Container | None = None
        self._writer: ObjectWriter | None = None
        self._parts = 0
        self._csv: dict[Container, tuple[ObjectWriter, int]] = {}

    def write(self, container: Container, minute: int, records: list[str], blank_lines: int = 0) -> None:
        """Append what is delivered in a minute (since the epoch); minutes must come in order."""
        if container is not self._container:
            self._close_current()
            self._container, self._parts = container, 0
        elif self._writer and self._writer.records >= MAX_RECORDS_PER_OBJECT:
            self._close_current()
        if self._writer is None:
            self._writer = ObjectWriter(self._path(container, minute, self._parts), container)
            self._parts += 1
        self._writer.add(records, blank_lines)

    def write_csv(self, container: Container, rows: list[list[str]], blank_lines: int = 0) -> None:
        """Append rows to a day's CSV file, and blank lines after them."""
        writer, part = self._csv.get(container, (None, 0))
        if writer and writer.records >= MAX_RECORDS_PER_OBJECT:
            self._close(writer, container)
            writer, part = None, part + 1
        if writer is None:
            writer = ObjectWriter(self._csv_path(container, part), container)
            self._csv[container] = (writer, part)
        lines = [csv_text([row]) for row in rows]
        writer.add(lines + ["\n"] * blank_lines, blank_lines)

    def close_csv(self, before_ms: int) -> None:
        """Finish the CSV files of the days that ended at or before a moment."""
        for container in [container for container in self._csv if container.end_ms <= before_ms]:
            self._close(self._csv.pop(container)[0], container)

    def close(self) -> None:
        """Finish all objects."""
        self._close_current()
        for container, (writer, _) in self._csv.items():
            self._close(writer, container)
        self._csv = {}

    def _close_current(self) -> None:
        if self._writer and self._container:
            self._close(self._writer, self._container)
        self._writer = None

    def _close(self, writer: ObjectWriter, container: Container) -> None:
        writer.close()
        self._tally.objects[container.loader] += 1
        self._tally.records[container.loader] += writer.records

    def _path(self, container: Container, minute: int, part: int) -> Path:
        begin = iso_z(container.begin_ms)
        if container.loader != FIREHOSE:
            suffix = ".json.gz" if container.is_gzipped else ".json"
            number = f"-{part}" if part else ""
            return self._directory / "archive" / begin[:10] / f"events-{begin[11:13]}{number}{suffix}"
        name = hashlib.blake2b(f"{self._seed}/{minute}/{part}".encode(), digest_size=16).hexdigest()
        uuid = f"{name[:8]}-{name[8:12]}-4{name[13:16]}-a{name[17:20]}-{name[20:]}"
        opened = (
            iso_z(minute * MS_PER_MINUTE + int(name[:2], 16) * 200)[:19].replace("T", "-").replace(":", "-")
        )
        suffix = ".gz" if container.is_gzipped else ""
        folder = self._directory / "firehose" / begin[:4] / begin[5:7] / begin[8:10] / begin[11:13]
        return folder / f"web-events-1-{opened}-{uuid}{suffix}"

    def _csv_path(self, container: Container, part: int) -> Path:
        number = f"-{part}" if part else ""
        name = f"{container.kind}{number}.csv"
        return self._directory / "archive" / iso_z(container.begin_ms)[:10] / name
