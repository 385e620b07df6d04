"""Split a stream of JSON into records: lines, objects without delimiter, arrays, pretty-printed, or a mix.

Most lines, or stretches between `}{` where there are no lines, are one JSON object each; those take the short
way, thousands at a time. Everything else is read object by object:

- A record is the text of one object, without the white space around it. In an array of objects each element
  is a record. A line of white space is none.
- What is no object is a broken stretch, one record. A line break outside an object ends it, so a malformed
  line costs only itself.
- Without delimiters (no line break in the stream, or after the first record of a line) a broken stretch also
  ends at the next `{` from which an object parses.
- Elsewhere a line that starts broken stays one record: a `{` in it belongs to that record, unless it follows
  a `}`, which in valid JSON it never does, or its object ends on a later line.
- An object whose end is plain, but that strict JSON refuses (NaN, lone surrogate, invalid UTF-8), is one
  record.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from loaders.errors import LoaderError
from loaders.records import Record, judge

LONGEST_RECORD = 512 << 20
"""In bytes; the memory that reading takes grows with the longest record, not with the object."""

_WHITE_SPACE = b" \t\n\r\v\f"
_LINE_BREAK, _CARRIAGE_RETURN, _OPEN, _CLOSE = b"\n\r{}"
_FIRST_WINDOW = 4096
_LONGEST_GUESS = 1 << 16
_LONG_FAILURE = 1024
_DEEP = 500
_FEW_PIECES = 16
_LONGEST_TOKEN = len(r"\ud83d\ude00")  # a cut token other than a string is an error at its start

_END_OF_OBJECT = re.compile(rb"\}[\s,]*(?:\{|\Z)")
# The last string may be cut. Without a way back (`++`): that would take memory for each character.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)

# Finds where a value ends; orjson, which judges, can't parse the start of a longer text.
# Integers become floats because Python limits the digits of an int.
_decoder = json.JSONDecoder(parse_int=float)


class _AnyObject(msgspec.Struct, gc=False):
    """A JSON object whose members are checked but not kept."""


_object_decoder = msgspec.json.Decoder(_AnyObject)


def split_json(uri: str, blocks: Iterable[bytes]) -> Iterator[pa.StringArray | list[Record]]:
    """Split UTF-8 text (or bytes that are not even that) into records.

    Args:
        uri: the object, for errors.
        blocks: the stream, without byte order mark, cut anywhere. At least a block is held in memory, and as
            many as the longest record has.

    Yields:
        The records in the order of the stream, many at a time: an array of payloads that are JSON objects, or
        records of any kind.

    Raises:
        LoaderError: a record is longer than LONGEST_RECORD.
    """
    remaining = iter(blocks)
    stream = _Stream()
    block = next(remaining, b"")
    while block:
        following = [next(remaining, b"")]
        # A record that is not complete yet: read as much again, so that long records take linear time.
        size = len(block)
        while following[-1] and size < len(stream.rest):
            size += len(following[-1])
            following.append(next(remaining, b""))
        yield from stream.feed([block, *following[:-1]], is_last=not following[-1])
        if len(stream.rest) > LONGEST_RECORD:
            raise LoaderError(
                f"{uri} has a record of more than {LONGEST_RECORD >> 20} MiB: nothing of it was loaded"
            )
        block = following[-1]


class _Stream:
    """What is left of the stream so far, and the state of its reading."""

    def __init__(self) -> None:
        self.rest = b""
        self._starts_line = True
        self._is_first_line = True
        self._in_array = False

    def feed(self, blocks: list[bytes], *, is_last: bool) -> Iterator[pa.StringArray | list[Record]]:
        """Read on, as far as the records are complete."""
        data = b"".join([self.rest, *blocks])
        self.rest = b""
        blocks.clear()
        end = len(data) if is_last else _last_boundary(data)
        position = 0
        if end and (lines := _whole_lines(data, end)) is not None:
            self._advance(data, end)
            del data  # which may be long, before the lines are used
            yield lines
            return
        if position < end:
            for records, position in self._pieces(data, end, is_last):  # noqa: B007 - the last one stays
                yield records
        self._advance(data, position)

    def _pieces(
        self, data: bytes, end: int, is_last: bool
    ) -> Iterator[tuple[pa.StringArray | list[Record], int]]:
        """Yield records with the position behind them; runs of sound pieces at once, others one by one."""
        pieces = _Pieces(data, end)
        irregular: _IrregularLines | None = None
        index, length = 0, len(pieces)
        position = 0
        while index < len(pieces):
            stop = min(index + length, len(pieces))
            payloads = pieces.payloads(index, stop)
            if payloads is not None:
                index = stop
                length *= 2
                position = pieces.start(index)
                yield payloads, position
            elif length > _FEW_PIECES:
                length = max(length // 4, _FEW_PIECES)
            else:
                if irregular is None:
                    irregular = _IrregularLines(data, is_last, self._in_array)
                records: list[Record] = []
                is_complete = irregular.read_into(
                    records,
                    position,
                    pieces.start(stop),
                    starts_line=self._at_line_start(data, position),
                    is_first_line=self._is_first_line and position == 0,
                )
                position = irregular.position
                self._in_array = irregular.in_array
                yield records, position
                if not is_complete:
                    return
                index = pieces.begin_at(position)

    def _at_line_start(self, data: bytes, position: int) -> bool:
        return data[position - 1] == _LINE_BREAK if position else self._starts_line

    def _advance(self, data: bytes, position: int) -> None:
        if position:
            self._starts_line = self._at_line_start(data, position)
            self._is_first_line = self._is_first_line and not self._starts_line
        self.rest = data[position:]


def _last_boundary(data: bytes) -> int:
    """Where the last record starts that may go on behind the data."""
    line_start = data.rfind(b"\n") + 1
    return max(line_start, data.rfind(b"}{", line_start) + 1)


def _whole_lines(data: bytes, end: int) -> pa.StringArray | None:
    """The lines up to `end`, if all of them are JSON objects: the case that has to be fast."""
    line_breaks = np.flatnonzero(np.frombuffer(data, np.uint8, end) == _LINE_BREAK)
    if not len(line_breaks) or line_breaks[-1] != end - 1:
        return None
    return _objects(data, np.concatenate(([0], line_breaks + 1)))


def _ends_of_objects(data: bytes, end: int) -> np.ndarray:
    """Where a `{` follows a `}`, up to `end`: the place between them."""
    pair = int.from_bytes(b"}{", sys.byteorder)
    found = [
        np.flatnonzero(np.frombuffer(data, np.uint16, (end - offset) // 2, offset) == pair) * 2 + offset + 1
        for offset in (0, 1)
    ]
    return np.concatenate(found)


class _Pieces:
    """Stretches of the data that end with a line break or between `}` and `{`: most are one record."""

    def __init__(self, data: bytes, end: int) -> None:
        self._data = data
        ends = [_ends_of_objects(data, end), [end]]
        if b"\n" in data:
            ends.append(np.flatnonzero(np.frombuffer(data, np.uint8, end) == _LINE_BREAK) + 1)
        self._starts = np.unique(np.concatenate([[0], *ends]))

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
    last = starts[1:] - 1
    last = last - (text[last] == _LINE_BREAK)
    last = last - (text[last] == _CARRIAGE_RETURN)
    if not ((text[starts[:-1]] == _OPEN) & (text[last] == _CLOSE)).all():
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
    if not content.isascii():
        try:
            payloads.validate(full=True)
        except pa.ArrowInvalid:
            return None
    return pc.ascii_trim_whitespace(payloads)


class _NeedMoreError(Exception):
    """What a record is depends on what follows the data."""


class _IrregularLines:
    """Reads, object by object, lines that are not just one object."""

    def __init__(self, data: bytes, is_last: bool, in_array: bool) -> None:
        """Look at data behind which the stream goes on unless `is_last`; it may begin inside of an array."""
        self.position = 0
        """Behind what was read: where a line starts, or what follows a record on its line."""
        self.in_array = in_array
        self._data = data
        self._is_last = is_last
        self._likely_end = -1
        self._hopeless: set[int] = set()
        """Where objects start that are known not to parse."""

    def read_into(
        self, records: list[Record], position: int, stop: int, *, starts_line: bool, is_first_line: bool
    ) -> bool:
        """Read records until `stop` is reached.

        Args:
            records: are appended to.
            position: where to begin.
            stop: where no other record is begun.
            starts_line: whether a line begins at the position.
            is_first_line: whether it is the first one of the stream.

        Returns:
            False when the next record, at the new `position`, can't be told from the data.
        """
        try:
            records.extend(self._read(position, stop, starts_line, is_first_line))
        except _NeedMoreError:
            return False
        return True

    def _read(self, position: int, stop: int, starts_line: bool, is_first_line: bool) -> Iterator[Record]:
        self.position = position
        while self.position < stop:
            line_end = self._data.find(b"\n", self.position)
            is_open = line_end < 0 and not self._is_last
            line_end = len(self._data) if line_end < 0 else line_end
            if starts_line:
                if is_open:
                    raise _NeedMoreError
                if (record := self._whole_line(self.position, line_end)) is not None:
                    self.position = line_end + 1
                    if record.payload:
                        yield record
                    is_first_line = False
                    continue
            has_line_breaks = not is_first_line or line_end < len(self._data)
            yield from self._read_line(line_end, stop, is_open, starts_line and has_line_breaks)
            starts_line, is_first_line = True, False
        self.position = min(self.position, len(self._data))

    def _whole_line(self, position: int, line_end: int) -> Record | None:
        """The line as one record, empty for a line of white space; None when it must be looked into."""
        line = self._data[position:line_end].strip()
        if not line:
            return Record(b"", None)
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return None
        if type(value) is dict or line[:1] not in b"{[":
            return judge(line)
        return None

    def _read_line(self, line_end: int, stop: int, is_open: bool, whole_line: bool) -> Iterator[Record]:
        """Yield the records of a line, and of the lines on which its last object goes on."""
        begin = self.position, self.in_array
        try:
            for record in self._records_of_line(line_end, stop, is_open, whole_line):
                begin = None
                yield record
        except _NeedMoreError:
            if begin:
                self.position, self.in_array = begin
            raise

    def _records_of_line(self, line_end: int, stop: int, is_open: bool, whole_line: bool) -> Iterator[Record]:
        data = self._data
        position = self.position
        while (position := self._skip_white_space(position, line_end)) < line_end:
            self.position = position
            if position >= stop:
                return
            character = data[position : position + 1]
            if self._is_punctuation(character, position):
                position += 1
                continue
            record = self._value_at(position, line_end, is_open)
            if record is None:
                end = self._broken_end(position, line_end, is_open, whole_line=whole_line)
                record = judge(data[position:end].rstrip(_WHITE_SPACE))
                position = end
            else:
                position += len(record.payload)
            whole_line = False
            self.position = position
            yield record
            if position > line_end:
                line_end = data.find(b"\n", position)
                is_open = line_end < 0 and not self._is_last
                line_end = len(data) if line_end < 0 else line_end
        self.position = line_end if is_open else line_end + 1

    def _is_punctuation(self, character: bytes, position: int) -> bool:
        """Consume a bracket or comma of an array of objects."""
        if character == b"[" and not self.in_array:
            self.in_array = self._opens_array_of_objects(position)
            return self.in_array
        if character == b"]" and self.in_array:
            self.in_array = False
            return True
        return character == b"," and self.in_array

    def _opens_array_of_objects(self, position: int) -> bool:
        following = self._skip_white_space(position + 1, len(self._data))
        if following == len(self._data):
            self._want_more()
        if self._data[following : following + 1] == b"]":
            return True
        if self._data[following : following + 1] == b"{":
            return self._parse(following) is not None
        value = self._parse(position)
        return value is not None and any(isinstance(element, dict) for element in value[0])

    def _value_at(self, position: int, line_end: int, is_open: bool) -> Record | None:
        """The object that starts here, or in an array any element; None for a broken stretch."""
        if self._data[position : position + 1] != b"{":
            return self._element_at(position, line_end, is_open) if self.in_array else None
        # Most objects end at the next `}` that an object or the line break follows; else the decoder tells.
        if self._likely_end < position:
            found = _END_OF_OBJECT.search(self._data, position, line_end)
            self._likely_end = found.start() if found else line_end
        if self._likely_end < min(line_end, position + _LONGEST_GUESS):
            candidate = judge(self._data[position : self._likely_end + 1])
            if candidate.parse_error is None:
                return candidate
        value = self._parse(position)
        return judge(self._data[position : value[1]]) if value else None

    def _element_at(self, position: int, line_end: int, is_open: bool) -> Record | None:
        """The array element that starts here and is no object."""
        value = self._parse(position)
        if value is None:
            return None
        following = self._skip_white_space(value[1], line_end)
        if following >= line_end and is_open:
            self._want_more()
        is_whole = following >= line_end or self._data[following : following + 1] in (b",", b"]")
        return judge(self._data[position : value[1]]) if is_whole else None

    def _broken_end(self, position: int, line_end: int, is_open: bool, *, whole_line: bool) -> int:
        """Where the broken stretch ends: at the next `{` that starts a record, else at the line break."""
        start = self._data.find(b"{", position + 1, line_end)
        while start >= 0:
            if self._resumes_at(start, line_end, whole_line=whole_line):
                return start
            start = self._data.find(b"{", start + 1, line_end)
        if is_open:
            self._want_more()
        return line_end

    def _resumes_at(self, start: int, line_end: int, *, whole_line: bool) -> bool:
        value = self._parse(start)
        if value is None:
            return False
        end = value[1]
        follows_object = self._data[max(start - 8, 0) : start].rstrip(_WHITE_SPACE).endswith(b"}")
        is_nested = whole_line and end <= line_end and not follows_object
        return not is_nested and judge(self._data[start:end]).parse_error is None

    def _parse(self, position: int) -> tuple[object, int] | None:
        """Parse the JSON value that starts at `position`; returns it with its end, or None.

        The text handed to the decoder is a window that grows only while the value seems to go on behind it:
        on an error the decoder counts the line breaks before it, which over a whole stream would take
        quadratic time. Latin-1 keeps the offsets; bytes above 127 matter to the decoder only inside of
        strings, where all are fine.
        """
        if position in self._hopeless:
            return None
        size = len(self._data)
        window_size = _FIRST_WINDOW
        while True:
            window = self._data[position : position + window_size].decode("latin-1")
            is_last = position + window_size >= size
            try:
                value, length = _decoder.raw_decode(window)
                if length == len(window) and is_last and not isinstance(value, dict):
                    self._want_more()  # of a number
                if is_last or length < len(window):
                    return value, position + length
            except json.JSONDecodeError as error:
                may_be_cut = error.msg.startswith("Unterminated") or error.pos > len(window) - _LONGEST_TOKEN
                if is_last and may_be_cut:
                    self._want_more()
                if is_last or not may_be_cut:
                    if error.pos > _LONG_FAILURE:
                        self._give_up_open_objects(position, position + error.pos)
                    return None
            except RecursionError:
                self._give_up_open_objects(position, size)
                return None
            window_size *= 4

    def _give_up_open_objects(self, position: int, error: int) -> None:
        """Note that each object still open at a far error fails there too, so that none is tried again.

        Without this, many lines cut just before a value, each of which then seems to hold all that follow it,
        would take quadratic time. Too deep nesting has no place: there the outer levels are given up.
        """
        opened: list[int] = []
        for match in _STRING_OR_BRACKET.finditer(self._data, position, error):
            token = match.group()
            if token in (b"{", b"["):
                opened.append(match.start())
            elif token in (b"}", b"]"):
                opened.pop()
            if not opened or len(opened) == _DEEP:
                break
        self._hopeless.update(opened)

    def _want_more(self) -> None:
        """The decision depends on the end of the data, which must be that of the stream then."""
        if not self._is_last:
            raise _NeedMoreError

    def _skip_white_space(self, position: int, end: int) -> int:
        while position < end and self._data[position] in _WHITE_SPACE:
            position += 1
        return position
