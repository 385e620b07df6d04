"""Which object holds what is delivered at a moment: the archive's blocks, then Firehose's hours."""

from __future__ import annotations

from dataclasses import dataclass

from loaders.sample.clock import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, Window

FIREHOSE, HISTORICAL = "firehose", "historical"
CONCATENATED, LINES, ARRAY, CSV = "concatenated", "lines", "array", "csv"

_BLOCK_HOURS = 6
_BLOCKS = ((LINES, True), (ARRAY, False))
_HOURS = (
    (CONCATENATED, True),
    (CONCATENATED, True),
    (LINES, True),
    (CONCATENATED, False),
    (CONCATENATED, True),
    (LINES, False),
    (CONCATENATED, True),
    (CONCATENATED, True),
    (LINES, True),
    (CONCATENATED, False),
    (CONCATENATED, True),
)


@dataclass(frozen=True, slots=True)
class Container:
    """An object (or a few, if it grows long) and the time that it covers, in milliseconds since the epoch.

    `end_ms` is also when it is delivered: its modification time.
    """

    loader: str
    framing: str
    is_gzipped: bool
    begin_ms: int
    end_ms: int
    kind: str = "events"
    """What a CSV file holds, else `events`."""


class Timetable:
    """The containers of a window, in the order of time."""

    def __init__(self, window: Window) -> None:
        self._first_hour = window.day_ms(window.first_day) // MS_PER_HOUR
        self._hours: list[Container] = []
        for day in range(window.first_day, window.first_day + window.days):
            begin = window.day_ms(day)
            in_archive = day - window.first_day < window.archive_days
            self._hours.extend(_archive_day(begin) if in_archive else _firehose_day(begin))
        self.last_minute = window.end_ms // MS_PER_MINUTE - 1
        """The last minute of the window, in minutes since the epoch."""

    def at(self, minute: int) -> Container:
        """The container of what is delivered in a minute of the window, given in minutes since the epoch."""
        return self._hours[minute // 60 - self._first_hour]


def csv_day(at_ms: int, kind: str) -> Container:
    """The CSV file of the archive that holds a day's records of a kind."""
    begin = at_ms // MS_PER_DAY * MS_PER_DAY
    return Container(HISTORICAL, CSV, False, begin, begin + MS_PER_DAY, kind)


def _archive_day(begin: int) -> list[Container]:
    hours = []
    for block in range(24 // _BLOCK_HOURS):
        framing, is_gzipped = _BLOCKS[block % len(_BLOCKS)]
        block_begin = begin + block * _BLOCK_HOURS * MS_PER_HOUR
        block_end = block_begin + _BLOCK_HOURS * MS_PER_HOUR
        container = Container(HISTORICAL, framing, is_gzipped, block_begin, block_end)
        hours.extend([container] * _BLOCK_HOURS)
    return hours


def _firehose_day(begin: int) -> list[Container]:
    hours = []
    for hour_begin in range(begin, begin + MS_PER_DAY, MS_PER_HOUR):
        framing, is_gzipped = _HOURS[hour_begin // MS_PER_HOUR % len(_HOURS)]
        hours.append(Container(FIREHOSE, framing, is_gzipped, hour_begin, hour_begin + MS_PER_HOUR))
    return hours
