"""Single values: strict JSON, text, numbers and times."""

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

Path = tuple[str | int, ...]
"""Keys, and positions in lists."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1)
_BLANKS = " \t\n\r"
_CENT = Decimal("0.01")
_DECIMAL_18_2_LIMIT = Decimal(10) ** 16
_BIGINT_LIMIT = 2**63
# Below each limit a number counts in this many microseconds.
_EPOCH_UNITS = ((10**11, Decimal(SECOND)), (10**14, Decimal(1000)), (10**17, Decimal(1)))
_NANOSECOND = Decimal("0.001")
_LONGEST_OFFSET = 14 * HOUR

DEEPEST = 254
"""How many levels of objects and arrays a record may have."""
LONGEST_KEY = 50_000
"""In UTF-16 code units."""
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_MOST_EPOCH_DIGITS = 30
_ISO = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"([T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2})(\.(?P<fraction>[0-9]+))?)?"
    r"(?P<zone> ?Z| UTC| GMT| ?(?P<sign>[+-])(?P<zone_hour>[0-9]{2})(:?(?P<zone_minute>[0-9]{2}))?)?)?"
)
_SCHEME_AND_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


# JSON -------------------------------------------------------------------------------------------------------


class JsonNumber(str):
    """A number of a JSON document, as it was spelled."""

    __slots__ = ()


class NotJson(ValueError):
    """The text is no JSON document that we accept."""


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"{name} is not JSON")


def parse_json(text: str) -> Any:
    """Strict JSON: no NaN, no lone surrogates; of repeated keys the last counts; numbers stay as spelled."""
    try:
        value = json.loads(
            text, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error
    _refuse_extremes(value)
    if _SURROGATE_ESCAPE.search(text):
        _refuse_lone_surrogates(text)
    return value


def _refuse_extremes(value: Any) -> None:
    """Numbers that no double holds, keys that are too long, and what is nested too deep for any engine."""
    level = [value]
    for _ in range(DEEPEST + 1):
        if any(isinstance(one, JsonNumber) and math.isinf(float(one)) for one in level):
            raise NotJson("a number is out of range")
        keys = [key for one in level if isinstance(one, dict) for key in one]
        if any(len(key.encode("utf-16-le", "surrogatepass")) > 2 * LONGEST_KEY for key in keys):
            raise NotJson("a key is too long")
        level = [inner for one in level if isinstance(one, (dict, list)) for inner in _inside(one)]
        if not level:
            return
    raise NotJson("nested too deep")


def _inside(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _refuse_lone_surrogates(text: str) -> None:
    """Look at all keys and values, also at those that a repeated key hides."""
    every_pair = json.loads(text, object_pairs_hook=list)
    try:
        json.dumps(every_pair, ensure_ascii=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError) as error:
        raise NotJson("lone surrogate") from error


def canonical(value: Any) -> str:
    """One text for all spellings of a document: keys sorted, no blanks, numbers with a fraction by value."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, JsonNumber):
        is_integer = not set(value) & set(".eE")
        return ["integer", str(value)] if is_integer else ["float", repr(float(value))]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return ["array", *(_plain(item) for item in value)]
    return value


def at_path(value: Any, path: Path) -> Any:
    """What stands at the path; None where there is nothing."""
    for key in path:
        if isinstance(key, int):
            value = value[key] if isinstance(value, list) and len(value) > key else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


# Text -------------------------------------------------------------------------------------------------------


def as_text(value: Any) -> str | None:
    """Text without blanks around it, a number as it was spelled; null for blank text and no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return trimmed(value) or None if isinstance(value, str) else None


def first_text(record: Any, paths: Iterable[Path]) -> str | None:
    """The first of the paths that holds text."""
    return next((text for path in paths if (text := as_text(at_path(record, path))) is not None), None)


def trimmed(text: str) -> str:
    return str(text).strip(_BLANKS)


def lowered(text: str) -> str:
    """In lower case letter by letter: some have two in lower case, of which engines take the first."""
    return "".join(letter.lower()[0] for letter in text)


def page_path(page_url: str | None) -> str | None:
    """The path of a page address: without scheme and host, query and fragment; never empty."""
    if page_url is None:
        return None
    local = page_url[host.end() :] if (host := _SCHEME_AND_HOST.match(page_url)) else page_url
    return re.split("[?#]", local, maxsplit=1)[0] or "/"


# Numbers ----------------------------------------------------------------------------------------------------


def as_number(text: str | None) -> Decimal | None:
    if text is None or not _NUMBER.fullmatch(trimmed(text)):
        return None
    return Decimal(trimmed(text))


def as_money(text: str | None) -> Decimal | None:
    """decimal(18,2), rounded half up; null where it is no number or does not fit."""
    number = as_number(text)
    if number is None or abs(number) >= _DECIMAL_18_2_LIMIT:
        return None
    return fit_money(number.quantize(_CENT, ROUND_HALF_UP))


def fit_money(amount: Decimal) -> Decimal | None:
    return amount if abs(amount) < _DECIMAL_18_2_LIMIT else None


def as_bigint(text: str | None) -> int | None:
    """A whole number (`2.0` is one); null where it is none or does not fit."""
    number = as_number(text)
    if number is None or abs(number) >= _BIGINT_LIMIT or number != number.to_integral_value():
        return None
    return int(number)


def as_double(text: str | None) -> float | None:
    number = as_number(text)
    if number is None or math.isinf(double := float(number)):
        return None
    return double


def ratio(part: int | Decimal, whole: int | Decimal, places: int = 4) -> Decimal | None:
    """Rounded half up; null for a denominator of 0."""
    return (Decimal(part) / whole).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if whole else None


# Times: microseconds since 1970, so that no readable number is out of range ---------------------------------


def from_datetime(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def as_time(text: str) -> int | None:
    """Microseconds since 1970 of ISO 8601 or of an epoch number; None if it cannot be read."""
    number = as_number(text)
    if number is None:
        return _from_iso(trimmed(text))
    whole, *_ = re.split("[.eE]", trimmed(text).lstrip("+-"), maxsplit=1)
    return _from_epoch(number) if len(whole) <= _MOST_EPOCH_DIGITS else None


def _from_epoch(number: Decimal) -> int:
    """Seconds, milli-, micro- or nanoseconds by magnitude; what is finer than a microsecond is cut."""
    unit = next((unit for limit, unit in _EPOCH_UNITS if number < limit), _NANOSECOND)
    return int((number * unit).to_integral_value(ROUND_FLOOR))


def _from_iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        return None
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    zone_hour, zone_minute = int(match["zone_hour"] or 0), int(match["zone_minute"] or 0)
    if hour > 23 or max(minute, second, zone_minute) > 59:
        return None
    microsecond = int((match["fraction"] or "0").ljust(6, "0")[:6])
    offset = (zone_hour * HOUR + zone_minute * MINUTE) * (-1 if match["sign"] == "-" else 1)
    if abs(offset) > _LONGEST_OFFSET:
        return None
    days = (day - _EPOCH.date()).days
    return days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + microsecond - offset
