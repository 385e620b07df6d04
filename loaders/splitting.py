"""Split a stream of JSON into records: lines, objects without delimiter, arrays, pretty-printed, or a mix.

Most lines, or stretches between `}{` where there are no lines, are one JSON object each; those take the short
way, thousands at a time. Everything else is read object by object:

- A record is the text of one object. White space, NUL, byte order marks and RFC 7464's record separator
  around it are no part of it, and are no record by themselves. In an array of objects each element is one.
- What is no object is a broken stretch, one record. A line break outside an object ends it, so a malformed
  line costs only itself.
- Without delimiters (no line break in the stream, or after the first record of a line) a broken stretch also
  ends at the next `{` that can begin a record, and from which an object parses. An object that stands as a
  value, after `:`, `,` or `[`, is a part of the stretch: a fragment of a broken record is no record. That
  holds for lines, too: an object on a line of its own that is indented deeper than the broken ones and stands
  as a value is a part of the stretch.
- A line that starts broken stays one record: a `{` in it belongs to that record, unless it follows a `}`,
  which in valid JSON it never does, or its object ends on a later line.
- Without delimiters a whole value of another kind is one record when the next value follows at once. In an
  array a broken element ends with the bracket that closes its first, if `,` or `]` follows.
- An object whose end is plain, but that strict JSON refuses (NaN, lone surrogate, invalid UTF-8), is one
  record.
- A record of more than LONGEST_RECORD bytes becomes a record that says so, with its first bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loaders import records
from loaders.huge_numbers import may_have_huge_number
from loaders.long_records import LongRecord
from loaders.object_by_object import LongRecordError, NeedMoreError, ObjectByObject, Place
from loaders.records import Record

_LINE_BREAK, _CARRIAGE_RETURN, _OPEN, _CLOSE = b"\n\r{}"
_FEW_PIECES = 16
_MOST_PIECES = 1024
_MOST_RECORDS = 4096
_MOST_LINE_BREAKS = 8


class _AnyObject(msgspec.Struct, gc=False):
    """A JSON object whose members are checked but not kept."""


_object_decoder = msgspec.json.Decoder(_AnyObject)


def split_json(uri: str, blocks: Iterable[bytes]) -> Iterator[pa.StringArray | list[Record]]:
    """Split UTF-8 text (or bytes that are not even that) into records.

    Args:
        uri: the object, for what is said of a record that is too long.
        blocks: the stream, cut anywhere. At least a block is held in memory, and as many as the longest
            record has, up to LONGEST_RECORD.

    Yields:
        The records in the order of the stream, many at a time: an array of payloads that are JSON objects, or
        records of any kind.
    """
    remaining = iter(blocks)
    stream = _Stream(uri)
    block = next(remaining, b"")
    while block:
        following = [next(remaining, b"")]
        # A record that is not complete yet: read as much again, so that long records take linear time.
        size = len(block)
        while following[-1] and size < len(stream.rest):
            size += len(following[-1])
            following.append(next(remaining, b""))
        yield from stream.feed([block, *following[:-1]], is_last=not following[-1])
        block = following[-1]


class _Stream:
    """What is left of the stream so far, and the state of its reading."""

    def __init__(self, uri: str) -> None:
        self.rest = b""
        self._place = Place(uri)
        self._long: LongRecord | None = None

    def feed(self, blocks: list[bytes], *, is_last: bool) -> Iterator[pa.StringArray | list[Record]]:
        """Read on, as far as the records are complete."""
        self.rest = b"".join([self.rest, *blocks])
        blocks.clear()
        while self.rest:
            if self._long:
                end, has_ended = self._long.read(self.rest, is_last=is_last)
                self._advance(self.rest, end)
                if not has_ended:
                    return
                yield [self._long.record()]
                self._long = None
            else:
                yield from self._read(is_last)
                if not self._long:
                    return

    def _read(self, is_last: bool) -> Iterator[pa.StringArray | list[Record]]:
        """Read up to the last record that may go on behind the data, or to a long one."""
        data, self.rest = self.rest, b""
        end = len(data) if is_last else _last_boundary(data)
        if len(data) - end > records.LONGEST_RECORD:
            end = len(data)  # what has no end so far is told to be long
        start = self._place.skip_separators(data, 0)
        if start < end and (lines := _whole_lines(data, start, end)) is not None:
            self._place.pass_objects(data, start, end)
            self._advance(data, end)
            del data  # which may be long, before the lines are used
            yield lines
            return
        if start < end:
            for chunk, position in self._pieces(data, start, end, is_last):
                start = position
                yield chunk
        self._advance(data, start)

    def _pieces(
        self, data: bytes, position: int, end: int, is_last: bool
    ) -> Iterator[tuple[pa.StringArray | list[Record], int]]:
        """Yield records with the position behind them; runs of sound pieces at once, others one by one."""
        place = self._place
        pieces = _Pieces(data, position, end)
        one_by_one = ObjectByObject(data, place, is_last=is_last)
        index, length, few = 0, len(pieces), _FEW_PIECES
        while index < len(pieces):
            stop = min(index + length, len(pieces))
            payloads = pieces.payloads(index, stop)
            if payloads is not None:
                index = stop
                length, few = length * 2, _FEW_PIECES
                place.pass_objects(data, position, pieces.start(index))
                position = pieces.start(index)
                yield payloads, position
            elif length > _FEW_PIECES:
                length = max(length // 4, _FEW_PIECES)
            else:
                stop = min(index + few, len(pieces))
                few = min(few * 2, _MOST_PIECES)
                found: list[Record] = []
                is_complete = True
                try:
                    for record in one_by_one.records(position, pieces.start(stop)):
                        found.append(record)
                        if len(found) == _MOST_RECORDS:
                            yield found, one_by_one.position
                            found = []
                except NeedMoreError:
                    is_complete = False
                except LongRecordError as error:
                    is_complete = False
                    offset = place.offset + one_by_one.position
                    self._long = LongRecord(
                        place, offset, is_value=error.is_value, whole_line=error.whole_line
                    )
                position = one_by_one.position
                yield found, position
                if not is_complete:
                    return
                index = pieces.begin_at(position)

    def _advance(self, data: bytes, position: int) -> None:
        self._place.offset += position
        self.rest = data[position:]


def _last_boundary(data: bytes) -> int:
    """Where the last record starts that may go on behind the data."""
    line_start = data.rfind(b"\n") + 1
    return max(line_start, data.rfind(b"}{", line_start) + 1)


def _whole_lines(data: bytes, start: int, end: int) -> pa.StringArray | None:
    """The lines from `start` to `end`, if all of them are JSON objects: the case that has to be fast."""
    line_breaks = np.flatnonzero(np.frombuffer(data, np.uint8, end - start, start) == _LINE_BREAK)
    if not len(line_breaks) or line_breaks[-1] != end - start - 1:
        return None
    return _objects(data, np.concatenate(([start], line_breaks + (start + 1))))


def _ends_of_objects(data: bytes, start: int, end: int) -> np.ndarray:
    """Where a `{` follows a `}`, from `start` to `end`: the place between them."""
    pair = int.from_bytes(b"}{", sys.byteorder)
    found = [
        np.flatnonzero(np.frombuffer(data, np.uint16, max(end - first, 0) // 2, first) == pair) * 2
        + first
        + 1
        for first in (start, start + 1)
    ]
    return np.concatenate(found)


class _Pieces:
    """Stretches of the data that end with a line break or between `}` and `{`: most are one record."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        ends = [_ends_of_objects(data, start, end), [end]]
        if b"\n" in data:
            lines = np.frombuffer(data, np.uint8, end - start, start)
            ends.append(np.flatnonzero(lines == _LINE_BREAK) + (start + 1))
        self._starts = np.unique(np.concatenate([[start], *ends]))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def start(self, index: int) -> int:
        return int(self._starts[index])

    def begin_at(self, position: int) -> int:
        """Let the piece that holds the position start there; returns its index."""
        index = int(np.searchsorted(self._starts, position, side="right")) - 1
        if index < len(self):
            self._starts[index] = position
        return index

    def payloads(self, index: int, stop: int) -> pa.StringArray | None:
        """The pieces as payloads, if each is a JSON object and nothing else."""
        return _objects(self._data, self._starts[index : stop + 1])


def _objects(data: bytes, starts: np.ndarray) -> pa.StringArray | None:
    """Texts as payloads, without the white space behind them, if each is one JSON object; else None.

    All of them are parsed at once. No object can span two texts, which end with `}` and start with `{`:
    between those JSON wants a comma, and inside of a string a line break is an error. So there are as many
    objects as texts only when each text is one.

    Args:
        data: the bytes.
        starts: where the texts start, and where the last one ends.
    """
    text = np.frombuffer(data, np.uint8)
    first = text[starts[:-1]]
    if not (first == _OPEN).all():
        # An empty line belongs to the text before it.
        starts = np.append(starts[:-1][(first != _LINE_BREAK) & (first != _CARRIAGE_RETURN)], starts[-1])
        if len(starts) == 1 or not (text[starts[:-1]] == _OPEN).all():
            return None
    last = starts[1:] - 1
    for _ in range(_MOST_LINE_BREAKS):
        is_break = (text[last] == _LINE_BREAK) | (text[last] == _CARRIAGE_RETURN)
        if not is_break.any():
            break
        last = last - is_break
    if not (text[last] == _CLOSE).all() or (starts[1:] - starts[:-1]).max() > records.LONGEST_RECORD:
        return None
    begin, end = int(starts[0]), int(starts[-1])
    content = data if end - begin == len(data) else data[begin:end]
    offsets = (starts - begin).astype(np.int32)
    payloads = pa.StringArray.from_buffers(len(last), pa.py_buffer(offsets), pa.py_buffer(content))
    lines: Any = content
    if not (text[starts[1:-1] - 1] == _LINE_BREAK).all():
        in_one_list = pa.ListArray.from_arrays(pa.array([0, len(last)], pa.int32()), payloads)
        lines = pc.binary_join(in_one_list, "\n")[0].as_buffer()
    try:
        if len(_object_decoder.decode_lines(lines)) != len(last):
            return None
    except (msgspec.DecodeError, RecursionError):
        return None
    if may_have_huge_number(np.frombuffer(content, np.uint8)):
        return None
    if not content.isascii():
        try:
            payloads.validate(full=True)
        except pa.ArrowInvalid:
            return None
    return pc.ascii_trim_whitespace(payloads)
