"""Split a stream of JSON into records: lines, objects without delimiter, arrays, pretty-printed, or a mix.

Most lines are one JSON object each; those take the short way in `split_json`. Every other line is read object
by object:

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
from collections.abc import Iterator

import orjson

from loaders.records import Record, judge

_WHITE_SPACE = b" \t\n\r\v\f"
_FIRST_WINDOW = 4096
_LONGEST_GUESS = 1 << 16
_LONG_FAILURE = 1024
_DEEP = 500
_LONGEST_TOKEN = len(r"\ud83d\ude00")  # a cut token other than a string is an error at its start

_END_OF_OBJECT = re.compile(rb"\}[\s,]*(?:\{|\Z)")
# The last string may be cut.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)

# Finds where a value ends; orjson, which judges, can't parse the start of a longer text.
# Integers become floats because Python limits the digits of an int.
_decoder = json.JSONDecoder(parse_int=float)


def split_json(data: bytes) -> Iterator[Record]:
    """Split UTF-8 text (or bytes that are not even that) into records.

    Args:
        data: the whole stream, without byte order mark.

    Yields:
        The records in the order of the stream.
    """
    loads = orjson.loads
    irregular = _IrregularLines(data)
    position, size = 0, len(data)
    while position < size:
        end = data.find(b"\n", position)
        if end < 0:
            end = size
        line = data[position:end].strip()
        try:
            is_object = type(loads(line)) is dict
        except orjson.JSONDecodeError:
            is_object = False
        if is_object:
            yield Record(line, None)
            position = end + 1
        elif not line:
            position = end + 1
        else:
            yield from irregular.read(position, end)
            position = irregular.position


class _IrregularLines:
    """Reads, object by object, lines that are not just one object."""

    def __init__(self, data: bytes) -> None:
        self.position = 0
        """Where the line after the last one that was read starts."""
        self._data = data
        self._has_line_breaks = b"\n" in data
        self._in_array = False
        self._likely_end = -1
        self._hopeless: set[int] = set()
        """Where objects start that are known not to parse."""

    def read(self, position: int, line_end: int) -> Iterator[Record]:
        """Yield the records of a line, and of the lines on which its last object goes on."""
        data = self._data
        if self._is_scalar(position, line_end):
            yield judge(data[position:line_end].strip())
            self.position = line_end + 1
            return
        first_of_line = True
        while (position := self._skip_white_space(position, line_end)) < line_end:
            character = data[position : position + 1]
            if self._is_punctuation(character, position):
                position += 1
                continue
            record = self._value_at(position, line_end)
            if record is None:
                end = self._broken_end(position, line_end, whole_line=first_of_line and self._has_line_breaks)
                record = judge(data[position:end].rstrip(_WHITE_SPACE))
                position = end
            else:
                position += len(record.payload)
            yield record
            first_of_line = False
            if position > line_end:
                line_end = self._line_end(position)
        self.position = line_end + 1

    def _is_scalar(self, position: int, line_end: int) -> bool:
        """Whether the line is one JSON value that holds no objects."""
        first = self._data[self._skip_white_space(position, line_end) : line_end][:1]
        if first in (b"{", b"["):
            return False
        try:
            orjson.loads(self._data[position:line_end].strip())
        except orjson.JSONDecodeError:
            return False
        return True

    def _is_punctuation(self, character: bytes, position: int) -> bool:
        """Consume a bracket or comma of an array of objects."""
        if character == b"[" and not self._in_array:
            self._in_array = self._opens_array_of_objects(position)
            return self._in_array
        if character == b"]" and self._in_array:
            self._in_array = False
            return True
        return character == b"," and self._in_array

    def _opens_array_of_objects(self, position: int) -> bool:
        following = self._skip_white_space(position + 1, len(self._data))
        if self._data[following : following + 1] == b"]":
            return True
        if self._data[following : following + 1] == b"{":
            return self._parse(following) is not None
        value = self._parse(position)
        return value is not None and any(isinstance(element, dict) for element in value[0])

    def _value_at(self, position: int, line_end: int) -> Record | None:
        """The object that starts here, or in an array any element; None for a broken stretch."""
        if self._data[position : position + 1] != b"{":
            return self._element_at(position, line_end) if self._in_array else None
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

    def _element_at(self, position: int, line_end: int) -> Record | None:
        """The array element that starts here and is no object."""
        value = self._parse(position)
        if value is None:
            return None
        following = self._skip_white_space(value[1], line_end)
        is_whole = following >= line_end or self._data[following : following + 1] in (b",", b"]")
        return judge(self._data[position : value[1]]) if is_whole else None

    def _broken_end(self, position: int, line_end: int, *, whole_line: bool) -> int:
        """Where the broken stretch ends: at the next `{` that starts a record, else at the line break."""
        start = self._data.find(b"{", position + 1, line_end)
        while start >= 0:
            if self._resumes_at(start, line_end, whole_line=whole_line):
                return start
            start = self._data.find(b"{", start + 1, line_end)
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
                if is_last or length < len(window):
                    return value, position + length
            except json.JSONDecodeError as error:
                may_be_cut = error.msg.startswith("Unterminated") or error.pos > len(window) - _LONGEST_TOKEN
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

    def _line_end(self, position: int) -> int:
        end = self._data.find(b"\n", position)
        return len(self._data) if end < 0 else end

    def _skip_white_space(self, position: int, end: int) -> int:
        while position < end and self._data[position] in _WHITE_SPACE:
            position += 1
        return position
