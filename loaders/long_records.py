"""Find the end of a record that is too long for a row, without holding it in memory."""

from __future__ import annotations

import re

from loaders import records
from loaders.object_by_object import (
    BEFORE_VALUE,
    BLANKS,
    RECORD_SEPARATOR,
    ObjectByObject,
    Place,
    byte_before,
    end_of,
)
from loaders.records import Record, too_large

# All that may stand between the brackets of JSON: strings on one line, numbers, names (NaN, too), commas.
_CONTENT = r'(?:[\s0-9+\-.eE,:trufalsnNIiy]++|"(?:[^"\\\n]++|\\[^\n])*+")'
# The same with the values that hold no other ones: by far the most brackets.
_BETWEEN_BRACKETS = re.compile(
    rf"(?:{_CONTENT}|(?<=[:,\[])(?:\[{_CONTENT}*+\]|\{{{_CONTENT}*+\}}))*+".encode()
)
_STRING = re.compile(rb'(?:[^"\\\n]++|\\[^\n])*+')
_QUOTE, _BACKSLASH = b'"\\'


class LongRecord:
    """A record that is longer than LONGEST_RECORD.

    A sound one ends with the bracket that closes its first. If there comes what no JSON has, it goes on as a
    broken stretch.
    """

    def __init__(self, place: Place, offset: int, *, is_value: bool, whole_line: bool) -> None:
        """Begin a record.

        Args:
            place: where in the stream reading is.
            offset: where the record begins in the stream's text, in bytes.
            is_value: whether it is sound so far, and an object or an array.
            whole_line: see `ObjectByObject.stretch_end`.
        """
        self._place = place
        self._offset = offset
        self._is_value = is_value
        self._whole_line = whole_line
        self._start = b""
        self._size = 0
        self._blanks = 0
        """So many at the end are only a part of the record if it goes on behind them."""
        self._depth = 0
        self._in_string = False
        self._before = b""

    def read(self, data: bytes, *, is_last: bool) -> tuple[int, bool]:
        """Read on.

        Args:
            data: what follows what was read.
            is_last: whether the stream ends with it.

        Returns:
            How far it was read, and whether the record ends there.
        """
        end, has_ended = 0, False
        if self._is_value:
            end, has_ended = self._read_value(data)
        if not self._is_value:
            reader = ObjectByObject(data, self._place, is_last=is_last)
            look = end if self._size or end else 1
            end, has_ended = reader.stretch_end(0, look, whole_line=self._whole_line, before=self._before)
        has_ended = has_ended or is_last
        self._start += data[: min(end, records.KEPT_OF_LONGER - len(self._start))]
        self._before = data[:end].rstrip(BLANKS)[-1:] or self._before
        if text := data[:end].rstrip(BLANKS + RECORD_SEPARATOR):
            self._size += self._blanks + len(text)
            self._blanks = 0
        self._blanks += end - len(text)
        return end, has_ended

    def record(self) -> Record:
        """What stands for it, once it has ended."""
        self._place.starts_line = False
        return too_large(self._place.uri, self._start, self._size, f"byte {self._offset}")

    def _read_value(self, data: bytes) -> tuple[int, bool]:
        """Read up to the closing bracket; or to where it is broken, and it is no value any more."""
        position = 0
        before = self._before
        while position < len(data):
            begin = position
            if self._in_string:
                position = end_of(_STRING, data, position)
                if position == len(data) or (data[position] == _BACKSLASH and position + 1 == len(data)):
                    break
                if data[position] != _QUOTE:
                    self._is_value = False
                    break
                self._in_string = False
                position, before = position + 1, b'"'
                continue
            position = end_of(_BETWEEN_BRACKETS, data, position)
            before = byte_before(data, position, begin) or before
            if position == len(data):
                break
            character = data[position : position + 1]
            if character == b'"':
                self._in_string = True  # it is cut, or broken
            elif character in (b"}", b"]"):
                self._depth -= 1
                if self._depth == 0:
                    return position + 1, True
            elif character in (b"{", b"[") and (not self._depth or before in BEFORE_VALUE):
                self._depth += 1
            else:
                self._is_value = False
                break
            position, before = position + 1, character
        return position, False
