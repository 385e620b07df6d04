"""Exact numbers, rounded once: halves go away from zero."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

MICROSECONDS_PER_SECOND = 1_000_000


def rounded(value: Fraction | Decimal | int, places: int) -> Decimal:
    """With this many decimals."""
    scaled = abs(Fraction(value)) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(-whole if value < 0 else whole).scaleb(-places)


def ratio(part: Fraction | Decimal | int, whole: Fraction | Decimal | int) -> Decimal | None:
    """4 decimals; null for a denominator of 0."""
    return rounded(Fraction(part) / Fraction(whole), 4) if whole else None


def mean(values: Iterable[Fraction | Decimal | int]) -> Fraction | None:
    """Exact; null when there is no value."""
    fractions = [Fraction(value) for value in values]
    return sum(fractions, Fraction(0)) / len(fractions) if fractions else None


def average(values: Iterable[Fraction | Decimal | int], places: int) -> Decimal | None:
    exact = mean(values)
    return None if exact is None else rounded(exact, places)


def nearest_rank(values: Iterable[Any], percent: int) -> Any:
    """The smallest value whose cumulative share reaches the percentage; null when there is no value."""
    ordered = sorted(values)
    for count, value in enumerate(ordered, start=1):
        if 100 * count >= percent * len(ordered):
            return value
    return None


def microseconds_between(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(microseconds=1)


def whole_seconds(start: datetime, end: datetime) -> int:
    """What is less than a second is cut."""
    return int(Fraction(microseconds_between(start, end), MICROSECONDS_PER_SECOND))


def seconds(microseconds: Fraction | int, places: int = 2) -> Decimal:
    return rounded(Fraction(microseconds) / MICROSECONDS_PER_SECOND, places)


def week_of(day: date) -> date:
    """Its Monday."""
    return day - timedelta(days=day.weekday())


def days_from(first: date, last: date) -> list[date]:
    """Every day, both included; none when the last is before the first."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def greatest(values: Iterable[str | None]) -> str | None:
    """The greatest that is not null."""
    return max((value for value in values if value is not None), default=None)
