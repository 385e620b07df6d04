"""CSV (RFC 4180 with a header) to records: each row becomes a JSON object of strings."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, TextIO

import orjson

from loaders import records
from loaders.errors import LoaderError
from loaders.records import INVALID_UTF8, Record, too_large

# Each row repeats the names: without limits a small object could become a very large one.
_LONGEST_NAME = 255
_MOST_NAMES = 10_000
_NO_PART_OF_IT = re.compile("[ \t]*[\ufeff\0\x1e][ \t\ufeff\0\x1e]*")


class _Row(NamedTuple):
    line_number: int
    """Of its first line, from 1."""
    text: str
    """As it came; of a row that is too long only the start."""
    fields: list[str] | None
    """None for a row with broken quotes, and for one that is too long."""
    long_size: int = 0
    """In bytes, of a row that is too long."""


def split_csv(uri: str, text: TextIO) -> Iterator[Record]:
    """Split CSV text into records.

    A row with fewer fields than the header lacks the last keys. A row with more fields, with broken quotes or
    with invalid UTF-8 is kept verbatim, with the reason. After broken quotes reading goes on at the next
    line; quotes that are not closed within LONGEST_RECORD are broken. A line that is longer than that becomes
    a record that says so, with its first bytes.

    Args:
        uri: the object, for errors.
        text: UTF-8, as `csv_text` opens it.

    Yields:
        The records in the order of the rows; none for the header and for blank lines.

    Raises:
        LoaderError: the header can't be read.
    """
    keys: list[bytes] | None = None
    for row in _Rows(text):
        if keys is None:
            keys = _header_keys(uri, row)
        else:
            yield _row_record(uri, keys, row)


def csv_text(stream: BinaryIO) -> TextIO:
    """Open bytes as text that keeps line breaks, and invalid UTF-8 as what `split_csv` knows it by."""
    return io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")


class _BrokenQuotesError(Exception):
    """The quotes of a row are not closed where they would have to be."""


class _Rows:
    """Iterates over the rows that are not blank.

    A quote that is never closed takes line after line until the row is too long or the text ends. All lines
    but the first are read again then. When such a line leaves a quote open, it can only go as the first one
    did, so that it is known to be broken: no line is read more than twice.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self._line_number = 0
        """Of the line that was taken last."""
        self._broken_until = 0
        """A row that goes on on a line up to this one is broken."""
        self._taken: list[str] = []
        self._taken_length = 0

    def __iter__(self) -> Iterator[_Row]:
        # A row has a limit, its fields need none.
        csv.field_size_limit(2 * records.LONGEST_RECORD + 1)
        reader = csv.reader(self._lines_of_row(), strict=True)
        while line := self._next_line():
            line_number = self._line_number
            if len(line) > records.LONGEST_RECORD:
                yield self._long_row(line)
                continue
            if before := _NO_PART_OF_IT.match(line):
                line = line[before.end() :]
            if not line or line.isspace():
                continue
            self._taken, self._taken_length = [], 0
            self._again.appendleft(line)
            self._line_number -= 1
            try:
                fields = next(reader)
            except (csv.Error, _BrokenQuotesError):
                fields = None
                self._broken_until = max(self._broken_until, self._line_number)
                self._again.extendleft(reversed(self._taken[1:]))
                self._line_number = line_number
                del self._taken[1:]
                reader = csv.reader(self._lines_of_row(), strict=True)
            yield _Row(line_number, "".join(self._taken), fields)

    def _next_line(self) -> str:
        """The next line, or the start of one that is too long, or nothing."""
        line = self._again.popleft() if self._again else self._text.readline(records.LONGEST_RECORD + 1)
        self._line_number += bool(line)
        return line

    def _lines_of_row(self) -> Iterator[str]:
        while line := self._next_line():
            self._taken.append(line)
            self._taken_length += len(line)
            is_first = len(self._taken) == 1
            if not is_first and (
                self._line_number <= self._broken_until or self._taken_length > records.LONGEST_RECORD
            ):
                raise _BrokenQuotesError
            yield line

    def _long_row(self, start: str) -> _Row:
        """Read the line to its end."""
        line_number = self._line_number
        size, part = 0, start
        while part:
            size += len(_encoded(part))
            part = "" if part[-1] in "\r\n" else self._text.readline(records.LONGEST_RECORD + 1)
        return _Row(line_number, start[: records.KEPT_OF_LONGER], None, size)


def _header_keys(uri: str, row: _Row) -> list[bytes]:
    names = row.fields or []
    reason = None
    if row.long_size:
        reason = f"has {row.long_size} bytes"
    elif row.fields is None:
        reason = "has broken quotes"
    elif _has_invalid_utf8(row.text):
        reason = f"is {INVALID_UTF8}"
    elif len(names) > _MOST_NAMES:
        reason = f"has {len(names)} names, more than {_MOST_NAMES}"
    elif max(map(len, names)) > _LONGEST_NAME:
        reason = f"has a name of more than {_LONGEST_NAME} characters"
    if reason:
        raise LoaderError(f"{uri}: the CSV header {reason}: nothing of it was loaded, repair the header")
    return [orjson.dumps(name) + b":" for name in names]


def _row_record(uri: str, keys: list[bytes], row: _Row) -> Record:
    where = f"line {row.line_number}"
    if row.long_size:
        return too_large(uri, _encoded(row.text), row.long_size, where)
    if _has_invalid_utf8(row.text):
        return Record(_verbatim(row.text), INVALID_UTF8)
    if row.fields is None:
        return Record(_verbatim(row.text), "invalid CSV: broken quotes")
    if len(row.fields) > len(keys):
        reason = f"invalid CSV: {len(row.fields)} fields, the header has {len(keys)}"
        return Record(_verbatim(row.text), reason)
    pairs = (key + orjson.dumps(value) for key, value in zip(keys, row.fields, strict=False))
    payload = b"{" + b",".join(pairs) + b"}"
    if len(payload) > records.LONGEST_RECORD:
        return too_large(uri, payload, len(payload), where)
    return Record(payload, None)


def _has_invalid_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _verbatim(text: str) -> bytes:
    return _encoded(text.rstrip("\r\n"))
