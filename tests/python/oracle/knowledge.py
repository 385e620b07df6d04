"""What the business knows, out of the seeds: hosts, countries, goals and weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from oracle.addresses import Range
from oracle.records import SEEDS, seed_of_rows
from oracle.values import as_money, lowered, trimmed


@dataclass(frozen=True, slots=True)
class Goal:
    """What counts as a conversion; None is any, and without a value the event's revenue counts."""

    name: str
    event_action: str | None
    event_name: str | None
    page_path_prefix: str | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of quality for events of one action, or of all (None)."""

    name: str
    event_action: str | None
    weight: Decimal


@dataclass(frozen=True)
class Knowledge:
    kind_by_host: dict[str, str]
    kind_by_source: dict[str, str]
    internal_hosts: frozenset[str]
    goals: tuple[Goal, ...]
    rules: tuple[Rule, ...]
    country_by_spelling: dict[str, str]
    address_ranges: tuple[Range, ...] = ()

    def kind_of_host(self, host: str | None) -> str | None:
        """Of the most specific row that the host is, or is below of."""
        return next((self.kind_by_host[name] for name in _domains(host) if name in self.kind_by_host), None)

    def kind_of_source(self, utm_source: str | None) -> str | None:
        if utm_source in self.kind_by_source:
            return self.kind_by_source[utm_source]
        return self.kind_of_host(utm_source)

    def is_internal(self, host: str) -> bool:
        return any(name in self.internal_hosts for name in _domains(host))

    def country_code(self, spelling: str | None) -> str | None:
        return None if spelling is None else self.country_by_spelling.get(lowered(trimmed(spelling)))


@cache
def knowledge_of(directory: Path = SEEDS) -> Knowledge:
    """What the seeds of a directory say."""
    hosts = seed_of_rows("referrer_sources", directory)
    return Knowledge(
        kind_by_host=_one_each((row["host"], row["source_kind"]) for row in hosts),
        kind_by_source=_one_each((row["source"], row["source_kind"]) for row in hosts if row["source"]),
        internal_hosts=frozenset(
            lowered(trimmed(row["host"])) for row in seed_of_rows("internal_hosts", directory)
        ),
        goals=tuple(
            Goal(
                name=row["conversion_goal"],
                event_action=row["event_action"] or None,
                event_name=row["event_name"] or None,
                page_path_prefix=row["page_path_prefix"] or None,
                value=as_money(row["conversion_value"]),
            )
            for row in _by_priority("conversion_goals", directory)
        ),
        rules=tuple(
            Rule(row["rule"], row["event_action"] or None, Decimal(row["weight"]))
            for row in _by_priority("quality_rules", directory)
        ),
        country_by_spelling=_one_each(
            (row["spelling"], row["country_code"]) for row in seed_of_rows("countries", directory)
        ),
    )


def _by_priority(name: str, directory: Path) -> list[dict[str, str]]:
    return sorted(seed_of_rows(name, directory), key=lambda row: int(row["priority"]))


def _one_each(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """A name that means two things would be read at random: the seeds may have none."""
    found: dict[str, str] = {}
    for name, meaning in pairs:
        if found.setdefault(lowered(trimmed(name)), meaning) != meaning:
            raise ValueError(f"{name}: both {found[lowered(trimmed(name))]} and {meaning}")
    return found


def _domains(host: str | None) -> Iterator[str]:
    """The host, and those that it is below of, from the most specific."""
    labels = (host or "").split(".")
    for first in range(len(labels)):
        yield ".".join(labels[first:])
