"""Time as the generator sees it: UTC milliseconds since the epoch, whole days, and their many spellings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000
MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1_440

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTES = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(MINUTES_PER_DAY)]
_SECONDS = [f"{second:02d}" for second in range(60)]
_MILLIS = [f"{milli:03d}" for milli in range(1_000)]

# Monday to Sunday, and hours 0 to 23 UTC: how much of the traffic falls there.
_WEEKDAY_WEIGHTS = (1.0, 0.97, 0.98, 1.02, 1.10, 1.25, 1.15)
_HOUR_WEIGHTS = (
    0.9, 0.7, 0.5, 0.4, 0.4, 0.5, 0.8, 1.2, 1.7, 2.1, 2.3, 2.4,
    2.5, 2.4, 2.4, 2.5, 2.7, 3.0, 3.3, 3.5, 3.4, 2.9, 2.2, 1.5,
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """The days of one call: `days` days from day `first_day` of the world, whose day 0 is `start`."""

    start: date
    first_day: int
    days: int

    @property
    def last_day(self) -> int:
        """The number of the last day of the window."""
        return self.first_day + self.days - 1

    @property
    def end_ms(self) -> int:
        """The first millisecond after the window."""
        return self.day_ms(self.last_day + 1)

    @property
    def archive_days(self) -> int:
        """How many days of the window lie in the archive: about a third in the first call, else none."""
        return round(self.days / 3) if self.first_day == 0 else 0

    def date_of(self, day: int) -> date:
        """The calendar date of a day of the world; `day` may be negative."""
        return self.start + timedelta(days=day)

    def day_ms(self, day: int) -> int:
        """Midnight (UTC) at the start of a day of the world, in milliseconds since the epoch."""
        return (self.start.toordinal() - _EPOCH_ORDINAL + day) * MS_PER_DAY

    def day_of(self, at_ms: int) -> int:
        """The day of the world in which a moment lies."""
        return (at_ms - self.day_ms(0)) // MS_PER_DAY


def weekday_weight(day: date) -> float:
    """The traffic of a date relative to a Monday."""
    return _WEEKDAY_WEIGHTS[day.weekday()]


def daily_quotas(events: int, window: Window) -> list[int]:
    """Share `events` among the days of the window by weekday; the result sums to `events`."""
    weights = [weekday_weight(window.date_of(window.first_day + index)) for index in range(window.days)]
    return _shares(events, weights)


def minute_targets(quota: int) -> list[int]:
    """How many of a day's `quota` events belong to sessions that start by the end of each of its minutes."""
    total = sum(_HOUR_WEIGHTS) * 60
    targets, reached = [], 0.0
    for minute in range(MINUTES_PER_DAY):
        reached += _HOUR_WEIGHTS[minute // 60]
        targets.append(int(quota * reached / total))
    targets[-1] = quota
    return targets


def _shares(total: int, weights: list[float]) -> list[int]:
    """Split `total` in proportion to `weights` by the largest remainder; ties go to the earlier day."""
    exact = [total * weight / sum(weights) for weight in weights]
    shares = [int(part) for part in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


@lru_cache(maxsize=64)
def _date_text(days_since_epoch: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + days_since_epoch).isoformat()


def iso_date(at_ms: int) -> str:
    """`2026-01-05`, the UTC date of a moment."""
    return _date_text(at_ms // MS_PER_DAY)


def iso_z(at_ms: int) -> str:
    """`2026-01-05T10:11:12.345Z`."""
    minute, rest = divmod(at_ms, MS_PER_MINUTE)
    day, minute = divmod(minute, MINUTES_PER_DAY)
    second, milli = divmod(rest, 1_000)
    return f"{_date_text(day)}T{_MINUTES[minute]}:{_SECONDS[second]}.{_MILLIS[milli]}Z"


# Spellings of a moment as JSON text. The names say what is special about each.
def json_iso_z(at_ms: int) -> str:
    """`"2026-01-05T10:11:12.345Z"`."""
    minute, rest = divmod(at_ms, MS_PER_MINUTE)
    day, minute = divmod(minute, MINUTES_PER_DAY)
    second, milli = divmod(rest, 1_000)
    return f'"{_date_text(day)}T{_MINUTES[minute]}:{_SECONDS[second]}.{_MILLIS[milli]}Z"'


def json_iso_whole_seconds(at_ms: int) -> str:
    """`"2026-01-05T10:11:12Z"`."""
    return f'"{iso_z(at_ms)[:19]}Z"'


def json_iso_space(at_ms: int) -> str:
    """`"2026-01-05 10:11:12.345"`."""
    text = iso_z(at_ms)
    return f'"{text[:10]} {text[11:23]}"'


def json_iso_no_zone(at_ms: int) -> str:
    """`"2026-01-05T10:11:12.345000"`."""
    return f'"{iso_z(at_ms)[:23]}000"'


def json_iso_east(at_ms: int) -> str:
    """`"2026-01-05T12:11:12.345+02:00"`."""
    return f'"{iso_z(at_ms + 2 * MS_PER_HOUR)[:23]}+02:00"'


def json_iso_west(at_ms: int) -> str:
    """`"2026-01-05T05:11:12.345-05:00"`."""
    return f'"{iso_z(at_ms - 5 * MS_PER_HOUR)[:23]}-05:00"'


def json_iso_compact_zone(at_ms: int) -> str:
    """`"2026-01-05T10:11:12.345+0000"`, as mongoexport writes it."""
    return f'"{iso_z(at_ms)[:23]}+0000"'


def json_epoch_seconds(at_ms: int) -> str:
    """`1767607872`."""
    return str(at_ms // 1_000)


def json_epoch_millis(at_ms: int) -> str:
    """`1767607872345`."""
    return str(at_ms)


def json_epoch_seconds_text(at_ms: int) -> str:
    """`"1767607872"`."""
    return f'"{at_ms // 1_000}"'


def json_epoch_millis_text(at_ms: int) -> str:
    """`"1767607872345"`."""
    return f'"{at_ms}"'


def json_number_long(at_ms: int) -> str:
    """`{"$numberLong":"1767607872345"}`, inside a `$date`."""
    return f'{{"$numberLong":"{at_ms}"}}'


def json_epoch_micros(at_ms: int) -> str:
    """`1767607872345000`."""
    return f"{at_ms}000"


def json_epoch_nanos_text(at_ms: int) -> str:
    """`"1767607872345000000"`."""
    return f'"{at_ms}000000"'


def json_utc(at_ms: int) -> str:
    """`"2026-01-05 10:11:12.345 UTC"`, as BigQuery writes it."""
    text = iso_z(at_ms)
    return f'"{text[:10]} {text[11:23]} UTC"'


def json_firestore(at_ms: int) -> str:
    """`{"_seconds":1767607872,"_nanoseconds":345000000}`."""
    return f'{{"_seconds":{at_ms // 1_000},"_nanoseconds":{at_ms % 1_000 * 1_000_000}}}'


def json_protobuf(at_ms: int) -> str:
    """`{"seconds":"1767607872","nanos":345000000}`."""
    return f'{{"seconds":"{at_ms // 1_000}","nanos":{at_ms % 1_000 * 1_000_000}}}'


def json_bson_timestamp(at_ms: int) -> str:
    """`{"$timestamp":{"t":1767607872,"i":1}}`."""
    return f'{{"$timestamp":{{"t":{at_ms // 1_000},"i":1}}}}'


Spelling = Callable[[int], str]

TIME_OBJECTS: tuple[Spelling, ...] = (json_firestore, json_protobuf, json_bson_timestamp)
# The rare spellings, by what the manifest calls them.
ODD_SPELLINGS: dict[Spelling, str] = {
    **dict.fromkeys(TIME_OBJECTS, "time_objects"),
    json_epoch_micros: "micro_and_nanoseconds",
    json_epoch_nanos_text: "micro_and_nanoseconds",
    json_utc: "utc_suffix",
}

# What the trackers of flat formats write, and what MongoDB exports write inside `$date`; (spelling, weight).
FLAT_SPELLINGS: list[tuple[Spelling, int]] = [
    (json_iso_z, 60),
    (json_iso_whole_seconds, 6),
    (json_iso_space, 6),
    (json_iso_no_zone, 4),
    (json_iso_east, 4),
    (json_iso_west, 3),
    (json_iso_compact_zone, 3),
    (json_epoch_seconds, 4),
    (json_epoch_millis, 6),
    (json_epoch_seconds_text, 2),
    (json_epoch_millis_text, 2),
    *((spelling, 1) for spelling in ODD_SPELLINGS),
]
MONGO_SPELLINGS: list[tuple[Spelling, int]] = [
    (json_iso_z, 70),
    (json_iso_compact_zone, 5),
    (json_epoch_millis, 10),
    (json_number_long, 15),
]
