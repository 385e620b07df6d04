"""CSV (RFC 4180 with a header) to records: each row becomes a JSON object of strings."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, TextIO

import orjson

from loaders.errors import LoaderError
from loaders.records import INVALID_UTF8, Record

# A quote that is never closed takes the text up to this limit before the row is known to be broken.
_LONGEST_FIELD = 16 << 20


def split_csv(uri: str, text: TextIO) -> Iterator[Record]:
    """Split CSV text into records.

    A row with fewer fields than the header lacks the last keys. A row with more fields, with broken quotes or
    with invalid UTF-8 is kept verbatim, with the reason. After broken quotes reading goes on at the next
    line.

    Args:
        uri: the object, for errors.
        text: UTF-8 without byte order mark, as `csv_text` opens it.

    Yields:
        The records in the order of the rows; none for the header and for blank lines.

    Raises:
        LoaderError: the header can't be read.
    """
    rows = _Rows(text)
    keys: list[bytes] | None = None
    for fields, row in rows:
        if not row.strip():
            continue
        if keys is None:
            keys = _header_keys(uri, fields, row)
        else:
            yield _row_record(keys, fields, row)


def csv_text(stream: BinaryIO) -> TextIO:
    """Open bytes as text that keeps line breaks, and invalid UTF-8 as what `split_csv` knows it by."""
    return io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")


class _Rows:
    """Iterates over rows as (fields, text as it came); broken quotes give None for the fields."""

    def __init__(self, text: TextIO) -> None:
        csv.field_size_limit(_LONGEST_FIELD)
        self._lines = text
        self._again: deque[str] = deque()
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[tuple[list[str] | None, str]]:
        reader = csv.reader(self._take_lines(), strict=True)
        while True:
            self._taken = []
            try:
                fields: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error:
                fields = None
                self._again.extendleft(reversed(self._taken[1:]))
                del self._taken[1:]
                reader = csv.reader(self._take_lines(), strict=True)
            yield fields, "".join(self._taken)

    def _take_lines(self) -> Iterator[str]:
        while line := self._again.popleft() if self._again else self._lines.readline():
            self._taken.append(line)
            yield line


def _header_keys(uri: str, fields: list[str] | None, text: str) -> list[bytes]:
    if fields is None or _has_invalid_utf8(text):
        reason = "has broken quotes" if fields is None else f"is {INVALID_UTF8}"
        raise LoaderError(f"{uri}: the CSV header {reason}: nothing of it was loaded, repair the header")
    return [orjson.dumps(name) + b":" for name in fields]


def _row_record(keys: list[bytes], fields: list[str] | None, text: str) -> Record:
    if _has_invalid_utf8(text):
        return Record(_verbatim(text), INVALID_UTF8)
    if fields is None:
        return Record(_verbatim(text), "invalid CSV: broken quotes")
    if len(fields) > len(keys):
        return Record(_verbatim(text), f"invalid CSV: {len(fields)} fields, the header has {len(keys)}")
    pairs = (key + orjson.dumps(value) for key, value in zip(keys, fields, strict=False))
    return Record(b"{" + b",".join(pairs) + b"}", None)


def _has_invalid_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _verbatim(text: str) -> bytes:
    return text.rstrip("\r\n").encode("utf-8", "surrogateescape")
