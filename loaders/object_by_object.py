"""Read object by object what is not just one JSON object on each line, by the rules of `splitting`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from loaders import records
from loaders.records import NOT_AN_OBJECT, OUT_OF_RANGE, Record, judge, too_large

BLANKS = b" \t\n\r\v\f"
RECORD_SEPARATOR = b"\x1e"
"""Of RFC 7464."""
_OBJECT, _COMMA, _LINE_BREAK = b"{,\n"
_BLANK_RUN = re.compile(rb"[ \t\n\r\v\f]*+")
# What may stand before a record and is no part of it.
_SEPARATORS = re.compile(rb"(?:[ \t\n\r\v\f\0\x1e]++|\xef\xbb\xbf)*+")
BEFORE_VALUE = frozenset((b":", b",", b"["))
"""What stands before an object that is a value in another one, or in an array."""

_STARTS_OF_OTHER_VALUES = b'["-0123456789tfn'
_FIRST_WINDOW = 1024
_LONGEST_GUESS = 8192
_LONG_FAILURE = 128
_DEEP = 500
_LONGEST_TOKEN = len(r"\ud83d\ude00")  # a cut token other than a string is an error at its start

# At the end of a line the object may go on on the next one.
_START_OF_OBJECT = re.compile(rb'\{[ \t\n\r]*+(?:["}]|\Z)')
_END_OF_OBJECT = re.compile(rb"\}[\s,]*(?:\{|\Z)")
# The last string may be cut. Without a way back (`++`): that would take memory for each character.
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)

# Finds where a value ends; orjson, which judges, can't parse the start of a longer text.
# Integers become floats because Python limits the digits of an int.
_decoder = json.JSONDecoder(parse_int=float)


class NeedMoreError(Exception):
    """What a record is depends on what follows the data."""


class LongRecordError(Exception):
    """A record is longer than a row can hold, or it can't be told sooner where it ends."""

    def __init__(self, *, is_value: bool, whole_line: bool = False) -> None:
        """Say what is known of it.

        Args:
            is_value: it is sound as far as it was read, and no broken stretch.
            whole_line: see `ObjectByObject.stretch_end`.
        """
        super().__init__()
        self.is_value = is_value
        self.whole_line = whole_line


@dataclass
class Place:
    """Where in the stream the data begins that is being read, and what matters of the text before it."""

    uri: str
    offset: int = 0
    """In bytes of the stream's text."""
    starts_line: bool = True
    """Nothing but separators and brackets of arrays was on this line yet."""
    indent: int = 0
    """How many blanks this line begins with, as far as it was read."""
    is_first_line: bool = True
    in_array: bool = False
    is_suspect: bool = False
    """A broken stretch was on this line: a comma behind an object may be one inside of a fragment."""
    broken_indent: int | None = None
    """The least indent of the lines that were broken since the last sound record."""

    def skip_separators(self, data: bytes, position: int) -> int:
        """Where, from a position on, something other than separators follows."""
        match = _SEPARATORS.match(data, position)
        assert match
        end = match.end()
        line_start = data.rfind(b"\n", position, end) + 1
        if line_start:
            self.starts_line, self.is_first_line, self.indent = True, False, end - line_start
            self.is_suspect = False
        elif self.starts_line:
            self.indent += end - position
        return end

    def pass_objects(self, data: bytes, begin: int, end: int) -> None:
        """Go on behind sound objects, each at the start of a line or right behind another one."""
        line_start = data.rfind(b"\n", begin, end) + 1
        self.starts_line = line_start == end
        if line_start:
            self.is_first_line, self.is_suspect, self.indent = False, False, 0
        self.broken_indent = None


class ObjectByObject:
    """Reads data behind which the stream goes on unless it is the last."""

    def __init__(self, data: bytes, place: Place, *, is_last: bool) -> None:
        """Begin to read.

        Args:
            data: the text from `place` on.
            place: is kept up to date, but for its offset.
            is_last: whether the stream ends with the data.
        """
        self.position = 0
        """Behind what was read, and behind the separators that follow."""
        self._data = data
        self._place = place
        self._is_last = is_last
        self._line = 1, 0
        self._likely_end = -1
        self._hopeless = bytearray()
        """Not 0 where values start that are known not to parse."""

    def records(self, position: int, stop: int) -> Iterator[Record]:
        """Yield records until `stop` is reached, where no other one is begun.

        Raises:
            NeedMoreError: the next record, at the new `position`, can't be told from the data.
            LongRecordError: the next record, at the new `position`, is too long for a row.
        """
        data, place = self._data, self._place
        while True:
            self.position = position = place.skip_separators(data, position)
            if position >= stop or position == len(data):
                return
            line_end = self._line_end_behind(position)
            is_open = line_end == len(data) and not self._is_last
            record = None
            if place.starts_line and not is_open:
                record, end = self._whole_line(position, line_end), line_end
            if record is None:
                if self._is_punctuation(position):
                    position += 1
                    continue
                record, end = self._record_at(position, line_end, is_open)
            place.starts_line = False
            self.position = position = end
            yield record

    def stretch_end(
        self, begin: int, position: int, *, whole_line: bool, before: bytes = b""
    ) -> tuple[int, bool]:
        """Where a broken stretch ends: before what can begin a record, else at the line break.

        Args:
            begin: where the stretch begins in the data.
            position: where to look from.
            whole_line: the stretch starts its line, so that an object in it belongs to it, unless that
                follows another object or ends on a later line.
            before: the last byte of the stretch before the data that is no blank.

        Returns:
            The end, and True; or how far no end is, and False.
        """
        data = self._data
        line_end = self._line_end_behind(position)
        start = position
        while found := _START_OF_OBJECT.search(data, start, line_end):
            start = found.start()
            previous = byte_before(data, start, begin) or before
            end = None
            if previous not in BEFORE_VALUE:
                try:
                    value = self._parse(start)
                except NeedMoreError:
                    return start, False
                except LongRecordError:
                    return start, True
                end = value and value[1]
            if end is None:
                start += 1
            elif whole_line and end <= line_end and previous not in (b"}", RECORD_SEPARATOR):
                start = end
            else:
                return start, True
        return line_end, line_end < len(data) or self._is_last

    def _line_end_behind(self, position: int) -> int:
        """Where the line ends that holds the position, or else the data: looked for once a line."""
        begin, end = self._line
        if not begin <= position <= end:
            end = self._data.find(b"\n", position)
            end = len(self._data) if end < 0 else end
            self._line = position, end
        return end

    def _whole_line(self, position: int, line_end: int) -> Record | None:
        """The line as one record; None when it must be looked into."""
        if line_end - position > records.LONGEST_RECORD:
            return None
        line = self._data[position:line_end].rstrip(BLANKS)
        record = judge(line)
        if record.parse_error is None:
            self._place.broken_indent = None
            return record
        if line[:1] == b"[" or record.parse_error == OUT_OF_RANGE:
            return None
        place = self._place
        if record.parse_error.startswith(NOT_AN_OBJECT):
            return record
        # Nothing can begin in it, and it can't go on on the next line.
        if b"{" not in line and line[-1] not in b":,[\x1e" and not (place.in_array or place.is_first_line):
            place.broken_indent = self._broken_indent()
            return record
        return None

    def _is_punctuation(self, position: int) -> bool:
        """Consume a bracket or comma of an array of objects."""
        place = self._place
        character = self._data[position : position + 1]
        if character == b"[" and not place.in_array:
            place.in_array = self._opens_array_of_objects(position)
            return place.in_array
        if character == b"]" and place.in_array:
            place.in_array = False
            return True
        return character == b"," and place.in_array

    def _opens_array_of_objects(self, position: int) -> bool:
        following = end_of(_SEPARATORS, self._data, position + 1)
        if following == len(self._data):
            self._want_more()
        first = self._data[following : following + 1]
        try:
            if first == b"{":
                return self._parse(following) is not None or self._is_plain_element(following)
            if first == b"]":
                return True
            value = self._parse(position)
        except LongRecordError:
            return first == b"{"
        return value is not None and any(isinstance(element, dict) for element in value[0])

    def _is_plain_element(self, position: int) -> bool:
        """Whether something broken ends like an element of an array."""
        line_end = self._line_end_behind(position)
        is_open = line_end == len(self._data) and not self._is_last
        end = self._closing_bracket(position, line_end, is_open)
        return end is not None and self._is_followed_by(b",]", end, line_end, is_open)

    def _record_at(self, position: int, line_end: int, is_open: bool) -> tuple[Record, int]:
        """The record that starts here, and where it ends."""
        place = self._place
        end = self._object_end(position, line_end) if self._data[position] == _OBJECT else None
        if end is None and place.in_array:
            end = self._element_end(position, line_end, is_open)
        elif end is not None:
            place.broken_indent = None
        if end is None:
            whole_line = self._is_whole_line(position, line_end, is_open)
            if not whole_line and not place.in_array:
                end = self._value_end(position, line_end, is_open)
            if end is None:
                end = self._broken_end(position, whole_line)
        text_end = end
        while text_end > position and self._data[text_end - 1] in BLANKS + RECORD_SEPARATOR:
            text_end -= 1
        return self._record(position, text_end), end

    def _record(self, start: int, end: int) -> Record:
        if end - start <= records.LONGEST_RECORD:
            return judge(self._data[start:end])
        return too_large(
            self._place.uri, self._data[start:end], end - start, f"byte {self._place.offset + start}"
        )

    def _object_end(self, position: int, line_end: int) -> int | None:
        """Where the object that starts here ends; None if it is broken."""
        # Most objects end at the next `}` that an object or the line break follows; else the decoder tells.
        if self._likely_end < position:
            found = _END_OF_OBJECT.search(self._data, position, line_end)
            self._likely_end = found.start() if found else line_end
        if self._likely_end < min(line_end, position + _LONGEST_GUESS):
            candidate = judge(self._data[position : self._likely_end + 1])
            if candidate.parse_error is None:
                return self._likely_end + 1
        value = self._parse(position)
        return value and value[1]

    def _element_end(self, position: int, line_end: int, is_open: bool) -> int | None:
        """Where an array element ends that is no sound object; None for a broken stretch."""
        end = None
        if self._data[position] in _STARTS_OF_OTHER_VALUES and (value := self._parse(position)):
            end = value[1]
        if end is None:
            end = self._closing_bracket(position, line_end, is_open)
        return end if end is not None and self._is_followed_by(b",]", end, line_end, is_open) else None

    def _value_end(self, position: int, line_end: int, is_open: bool) -> int | None:
        """Where a whole value ends that is no object, if another one stands beside it."""
        if self._data[position] not in _STARTS_OF_OTHER_VALUES or not (value := self._parse(position)):
            return None
        return value[1] if self._is_followed_by(b'{["', value[1], line_end, is_open) else None

    def _is_followed_by(self, characters: bytes, end: int, line_end: int, is_open: bool) -> bool:
        """Whether one of these follows on the line, or nothing."""
        following = end_of(_SEPARATORS, self._data, end)
        if following >= line_end and is_open:
            self._want_more()
        return following >= line_end or self._data[following] in characters

    def _closing_bracket(self, position: int, line_end: int, is_open: bool) -> int | None:
        """Behind the bracket that closes the one here on the line, if none is missing in between."""
        data = self._data
        limit = min(line_end, position + records.LONGEST_RECORD)
        depth = 0
        for match in _STRING_OR_BRACKET.finditer(data, position, limit):
            character = match.group()[:1]
            if character in b"{[":
                if (
                    depth
                    and character == b"{"
                    and byte_before(data, match.start(), position) not in (BEFORE_VALUE)
                ):
                    return None
                depth += 1
            elif character in b"}]":
                depth -= 1
                if depth == 0:
                    return match.end()
            if depth == 0:
                return None
        if is_open and limit == line_end:
            self._want_more()
        return None

    def _is_whole_line(self, position: int, line_end: int, is_open: bool) -> bool:
        """Whether a broken stretch begins here with a line of a stream that has lines."""
        if not self._place.starts_line or not self._place.is_first_line:
            return self._place.starts_line
        if line_end - position > records.LONGEST_RECORD:
            return False
        if is_open:
            self._want_more()
        return line_end < len(self._data)

    def _broken_end(self, position: int, whole_line: bool) -> int:
        """Where the broken stretch that begins here ends."""
        place = self._place
        if self._is_comma_between_objects(position):
            return position + 1
        indent = self._broken_indent()
        look = position + 1
        while True:
            end, is_known = self.stretch_end(position, look, whole_line=whole_line)
            if end - position > records.LONGEST_RECORD:
                raise LongRecordError(is_value=False, whole_line=whole_line)
            if not is_known:
                self._want_more()
            if end == len(self._data) or self._data[end] != _LINE_BREAK:
                break
            following = self._value_on_later_line(position, end, indent)
            if following is None:
                break
            look = following + 1
        place.broken_indent = indent
        place.is_suspect = True
        return end

    def _broken_indent(self) -> int:
        place = self._place
        return place.indent if place.broken_indent is None else min(place.indent, place.broken_indent)

    def _is_comma_between_objects(self, position: int) -> bool:
        """Whether a comma stands between two records: it is a stretch by itself."""
        place = self._place
        if place.starts_line or place.is_suspect or self._data[position] != _COMMA:
            return False
        following = end_of(_SEPARATORS, self._data, position + 1)
        if following == len(self._data):
            self._want_more()
            return False
        try:
            return self._data[following] == _OBJECT and self._parse(following) is not None
        except LongRecordError:
            return True

    def _value_on_later_line(self, begin: int, line_end: int, indent: int) -> int | None:
        """Where an object or array stands behind the line that is a value of the broken stretch, no record.

        What follows `:`, `,` or `[` is a value, if it is indented deeper than the broken lines: else the line
        before was cut, and this one is a record.
        """
        data = self._data
        if byte_before(data, line_end, begin) not in BEFORE_VALUE:
            return None
        following = end_of(_BLANK_RUN, data, line_end)
        if following == len(data):
            self._want_more()
            return None
        line_start = data.rfind(b"\n", line_end, following) + 1
        return following if data[following] in b"{[" and following - line_start > indent else None

    def _parse(self, position: int) -> tuple[object, int] | None:
        """Parse the JSON value that starts at `position`; returns it with its end, or None.

        The text handed to the decoder is a window that grows only while the value seems to go on behind it:
        on an error the decoder counts the line breaks before it, which over a whole stream would take
        quadratic time. Latin-1 keeps the offsets; bytes above 127 matter to the decoder only inside of
        strings, where all are fine.
        """
        if self._hopeless and self._hopeless[position]:
            return None
        size, longest = len(self._data), records.LONGEST_RECORD + _LONGEST_TOKEN
        window_size = _FIRST_WINDOW
        while True:
            window_size = min(window_size, longest)
            window = self._data[position : position + window_size].decode("latin-1")
            is_last = position + window_size >= size
            try:
                value, length = _decoder.raw_decode(window)
                if length > records.LONGEST_RECORD:
                    raise LongRecordError(is_value=window[0] in "{[")
                if length == len(window) and is_last and not isinstance(value, dict):
                    self._want_more()  # of a number
                if is_last or length < len(window):
                    return value, position + length
            except json.JSONDecodeError as error:
                may_be_cut = error.msg.startswith("Unterminated") or error.pos > len(window) - _LONGEST_TOKEN
                if is_last and may_be_cut and len(window) < longest:
                    self._want_more()
                if not may_be_cut or (is_last and len(window) < longest):
                    if error.pos > _LONG_FAILURE:
                        self._give_up_open_objects(position, position + error.pos)
                    return None
            except RecursionError:
                self._give_up_open_objects(position, size)
                return None
            if len(window) == longest:
                raise LongRecordError(is_value=window[0] in "{[")
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
        if opened and not self._hopeless:
            self._hopeless = bytearray(len(self._data))
        for start in opened:
            self._hopeless[start] = 1

    def _want_more(self) -> None:
        """The decision depends on the end of the data, which must be that of the stream then."""
        if not self._is_last:
            raise NeedMoreError


def end_of(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    """Where a match that begins at a position ends, of a pattern that matches always."""
    match = pattern.match(data, position)
    assert match
    return match.end()


def byte_before(data: bytes, position: int, begin: int) -> bytes:
    """The byte before a position and the blanks before it, or nothing when that lies before `begin`."""
    size = 16
    while position > begin:
        start = max(begin, position - size)
        if before := data[start:position].rstrip(BLANKS):
            return before[-1:]
        position = start
        size *= 4
    return b""
