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
_SHORTEST_RUN = 8
_FEW_TEXTS = 16
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
        index = 0
        while index < len(pieces):
            stop = pieces.end_of_run(index)
            if stop > index:
                payloads = pieces.payloads(index, stop)
                index = stop
                place.pass_objects(data, position, pieces.start(index))
                position = pieces.start(index)
                yield payloads, position
                continue
            found: list[Record] = []
            is_complete = True
            try:
                for record in one_by_one.records(position, pieces.start(pieces.next_run(index))):
                    found.append(record)
                    if len(found) == _MOST_RECORDS:
                        yield found, one_by_one.position
                        found = []
            except NeedMoreError:
                is_complete = False
            except LongRecordError as error:
                is_complete = False
                offset = place.offset + one_by_one.position
                self._long = LongRecord(place, offset, is_value=error.is_value, whole_line=error.whole_line)
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
    text = np.frombuffer(data, np.uint8)
    line_breaks = np.flatnonzero(text[start:end] == _LINE_BREAK)
    if not len(line_breaks) or line_breaks[-1] != end - start - 1:
        return None
    starts = _without_empty(text, np.concatenate(([start], line_breaks + (start + 1))))
    if not _look_like_objects(text, starts).all():
        return None
    lines = _texts(data, starts)
    is_sound = _all_parse(lines) and _all_are_utf8(lines) and _have_doubles(lines).all()
    return pc.ascii_trim_whitespace(lines) if is_sound else None


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
    """Stretches of the data that end with a line break or between `}` and `{`: most are one record.

    Which of them are one JSON object each, and nothing else, is found for all at once. A run is some of these
    side by side.
    """

    def __init__(self, data: bytes, start: int, end: int) -> None:
        text = np.frombuffer(data, np.uint8)
        ends = [_ends_of_objects(data, start, end), [end]]
        if b"\n" in data:
            ends.append(np.flatnonzero(text[start:end] == _LINE_BREAK) + (start + 1))
        self._starts = _without_empty(text, np.unique(np.concatenate([[start], *ends])))
        is_object = _look_like_objects(text, self._starts)
        objects = _texts(data, self._starts).filter(pa.array(is_object))
        is_object[is_object] = is_sound = _are_objects(objects)
        self._objects = pc.ascii_trim_whitespace(objects.filter(pa.array(is_sound)))
        self._objects_before = np.concatenate([[0], np.cumsum(is_object)])
        # Where a run begins or ends.
        changes = np.flatnonzero(np.diff(np.concatenate([[False], is_object, [False]])))
        begins, ends_of_runs = changes[::2], changes[1::2]
        is_long = ends_of_runs - begins >= _SHORTEST_RUN
        self._begins = np.append(begins[is_long], len(is_object))
        self._ends = np.append(ends_of_runs[is_long], len(is_object))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def start(self, index: int) -> int:
        return int(self._starts[index])

    def end_of_run(self, index: int) -> int:
        """Where the run ends that the piece is in; the index itself where it is in none."""
        run = int(np.searchsorted(self._ends, index, side="right"))
        return int(self._ends[run]) if run < len(self._ends) and self._begins[run] <= index else index

    def next_run(self, index: int) -> int:
        """Where the next run begins behind a piece, or how many pieces there are."""
        return int(self._begins[np.searchsorted(self._begins, index, side="right")])

    def begin_at(self, position: int) -> int:
        """Let the piece that holds the position start there; returns its index."""
        index = int(np.searchsorted(self._starts, position, side="right")) - 1
        if index < len(self) and self._starts[index] < position:
            self._starts[index] = position
            run = int(np.searchsorted(self._ends, index, side="right"))
            self._begins[run] = max(self._begins[run], index + 1)
        return index

    def payloads(self, index: int, stop: int) -> pa.StringArray:
        """The pieces of a run, or of a part of it, as payloads."""
        first, end = self._objects_before[[index, stop]]
        return self._objects[first:end]


def _without_empty(text: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Starts of texts, and the last end, without those of empty lines, which belong to the text before."""
    first = text[starts[:-1]]
    is_kept = (first != _LINE_BREAK) & (first != _CARRIAGE_RETURN)
    is_kept[:1] = True
    return starts if is_kept.all() else starts[np.append(is_kept, True)]


def _look_like_objects(text: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Whether each text begins with `{`, ends with `}` and line breaks, and is short enough for a row."""
    last = starts[1:] - 1
    for _ in range(_MOST_LINE_BREAKS):
        is_break = (text[last] == _LINE_BREAK) | (text[last] == _CARRIAGE_RETURN)
        if not is_break.any():
            break
        last = last - is_break
    is_short = starts[1:] - starts[:-1] <= records.LONGEST_RECORD
    return (text[starts[:-1]] == _OPEN) & (text[last] == _CLOSE) & is_short


def _texts(data: bytes, starts: np.ndarray) -> pa.StringArray:
    """The texts between some places of the data, not copied."""
    return pa.StringArray.from_buffers(
        len(starts) - 1, pa.py_buffer(starts.astype(np.int32)), pa.py_buffer(data)
    )


def _are_objects(texts: pa.StringArray) -> np.ndarray:
    """Whether each of some texts that look like it is one JSON object: one by one only where not all are."""
    is_object = np.ones(len(texts), bool)
    for hold_all, holds in ((_all_parse, _parses), (_all_are_utf8, records.is_utf8)):
        if is_object.any() and not hold_all(sound := texts.filter(pa.array(is_object))):
            is_object[is_object] = np.fromiter(
                map(holds, sound.cast(pa.binary()).to_pylist()), bool, len(sound)
            )
    is_object[is_object] = _have_doubles(texts.filter(pa.array(is_object)))
    return is_object


def _all_parse(texts: pa.StringArray) -> bool:
    """Whether texts that look like it are one JSON object each.

    All of them are parsed at once. No object can span two texts, which end with `}` and start with `{`:
    between those JSON wants a comma, and inside of a string a line break is an error. So there are as many
    objects as texts only when each text is one.
    """
    offsets, content = _buffers(texts)
    lines: Any = content
    if not (np.frombuffer(content, np.uint8)[offsets[1:-1] - 1] == _LINE_BREAK).all():
        in_one_list = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
        lines = pc.binary_join(in_one_list, "\n")[0].as_buffer()
    try:
        return len(_object_decoder.decode_lines(lines)) == len(texts)
    except (msgspec.DecodeError, RecursionError):
        return False


def _parses(text: bytes) -> bool:
    try:
        _object_decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _all_are_utf8(texts: pa.StringArray) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _have_doubles(texts: pa.StringArray) -> np.ndarray:
    """Whether a text is sure to have no number out of a double's range: by halves, down to a few."""
    if not len(texts) or not may_have_huge_number(np.frombuffer(_buffers(texts)[1], np.uint8)):
        return np.ones(len(texts), bool)
    if len(texts) <= _FEW_TEXTS:
        return np.zeros(len(texts), bool)
    middle = len(texts) // 2
    return np.concatenate([_have_doubles(texts[:middle]), _have_doubles(texts[middle:])])


def _buffers(texts: pa.StringArray) -> tuple[np.ndarray, pa.Buffer]:
    """Where the texts begin in their common bytes, and where the last ends; and these bytes."""
    _, offsets, content = texts.buffers()
    begins = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return begins - begins[0], content.slice(int(begins[0]), int(begins[-1] - begins[0]))
