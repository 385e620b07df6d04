"""Generate the sample: day by day, minute by minute, session by session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

from loaders.sample.clock import (
    MINUTES_PER_HOUR,
    MS_PER_MINUTE,
    ODD_SPELLINGS,
    Window,
    daily_quotas,
    minute_targets,
)
from loaders.sample.commerce import Shop
from loaders.sample.containers import FIREHOSE, HISTORICAL
from loaders.sample.delivery import Delivery
from loaders.sample.manifest import MANIFEST_NAME, Manifest, Tally
from loaders.sample.population import Population
from loaders.sample.sessions import FORMATS, Session, SessionPlanner
from loaders.sample.world import Catalog, World
from loaders.sample.writer import Landing

DEFAULT_START = date(2026, 1, 5)
_FOLDERS = ("firehose", "archive", "transactions", "products", "reviews")


def generate_sample(
    out: Path,
    *,
    events: int,
    days: int,
    seed: int,
    start: date = DEFAULT_START,
    first_day: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Write sample data: web events in ten formats, transactions, products and reviews, and their manifest.

    Most events are of the five formats of one's own, a few of what others export (`trackers`). The dirt, each
    kind with its exact count in the manifest:

    - events that come late, twice (also with other key order, in an envelope, or dated over midnight),
      without a time, or in one of many spellings of time (`delivery`, `clock`),
    - sessions whose ids mean nothing or are another visitor's, whose objects are text, whose texts are
      padded, whose numbers are wrapped (`oddities`),
    - Kinesis envelopes, also URL-safe; byte order marks, NUL and separators before records; blank lines,
    - records that must be rejected, of every reason, a single one of more than 8 MiB among them (`dirt`),
    - crawlers and a script,
    - in the shop's files: returns, copies, odd spellings, records of no kind (`shop_dirt`).

    The same arguments give the same bytes. Memory depends on the events of some minutes, not on `events`.

    Args:
        out: directory to write to; it is made. It may hold the files of other days of the same world, or
            those of the same call, which are replaced.
        events: number of valid, distinct events; dirt comes on top.
        days: over how many days, by weekday.
        seed: decides the world (visitors, spaces, products) and all that happens in it.
        start: the date of day 0 of the world.
        first_day: the day of the world to start with; 0 also fills the archive (the first third of the days).
        progress: called once per generated hour with the number of its events; all calls sum up to `events`.

    Returns:
        The manifest, also written to `manifest.json`.

    Raises:
        ValueError: `events` or `days` is below 1, `first_day` below 0, or `out` has an unreadable manifest.
        FileExistsError: `out` holds other data, with which these files would mix.
    """
    if events < 1 or days < 1 or first_day < 0:
        raise ValueError(
            f"events and days must be 1 or more, first_day 0 or more: {events}, {days}, {first_day}"
        )
    arguments = {
        "seed": seed,
        "events": events,
        "days": days,
        "start": start.isoformat(),
        "first_day": first_day,
    }
    _require_fitting(out, arguments)
    manifest = _Generation(out, Window(start, first_day, days), seed, events).run(arguments, progress)
    manifest.write(out)
    return manifest


class _Generation:
    """One call: what it draws from and where it writes."""

    def __init__(self, out: Path, window: Window, seed: int, events: int) -> None:
        self._window = window
        self._quotas = daily_quotas(events, window)
        self._tally = Tally(datasets={name: Counter() for name in ("transactions", "products", "reviews")})
        world = World(seed, window.start)
        self._catalog = Catalog(seed)
        population = Population(world, window, events / window.days)
        self._planner = SessionPlanner(seed, window, world, self._catalog, population)
        self._landing = Landing(out, seed, self._tally)
        self._delivery = Delivery(seed, window, self._landing, self._tally)
        self._shop = Shop(out, seed, window, self._tally)

    def run(self, arguments: dict[str, object], progress: Callable[[int], None] | None) -> Manifest:
        """Write everything but the manifest."""
        window = self._window
        while self._catalog.day < window.first_day:
            self._catalog.advance()
        for day, quota in enumerate(self._quotas, start=window.first_day):
            changed = self._catalog.products if day == window.first_day else self._catalog.advance()
            self._shop.write_catalog(day, changed)
            self._generate_day(day, quota, progress)
            self._shop.write_day(day)
            self._landing.close_csv(window.day_ms(day + 1))
        self._landing.close()
        return self._tally.manifest(arguments, (FIREHOSE, HISTORICAL), FORMATS)

    def _generate_day(self, day: int, quota: int, progress: Callable[[int], None] | None) -> None:
        self._planner.start_day(day, quota)
        self._delivery.start_day(day)
        first_minute = self._window.day_ms(day) // MS_PER_MINUTE
        made = reported = 0
        for minute, target in enumerate(minute_targets(quota)):
            while made < target:
                session = self._planner.plan(minute, quota - made)
                self._delivery.send(session)
                self._count(session)
                made += len(session.steps)
            self._delivery.flush(first_minute + minute)
            if progress and minute % MINUTES_PER_HOUR == MINUTES_PER_HOUR - 1 and made > reported:
                progress(made - reported)
                reported = made
        assert made == quota

    def _count(self, session: Session) -> None:
        tally, count = self._tally, len(session.steps)
        tally.events += count
        tally.formats[session.format] += count
        has_untimed = session.no_time_index >= 0
        tally.without_time += has_untimed
        if session.spelling in ODD_SPELLINGS:
            tally.dirt[ODD_SPELLINGS[session.spelling]] += count - has_untimed
        if session.oddity:
            tally.dirt[session.oddity] += session.ids_shared or count
        if session.bot:
            tally.bots[session.bot] += count
        elif session.steps[-1].event == "purchase":
            self._shop.add_purchases(session)
            self._count_purchases(session)

    def _count_purchases(self, session: Session) -> None:
        for step in session.steps:
            if step.event != "purchase":
                continue
            self._tally.purchases += 1
            cents = session.cents(step)
            self._tally.revenue_cents += cents or 0
            self._tally.purchases_without_amount += cents is None


def _require_fitting(out: Path, arguments: dict[str, object]) -> None:
    """Refuse a directory whose files would mix with those of a call with these arguments."""
    if not (out / MANIFEST_NAME).exists():
        if any((out / folder).exists() for folder in _FOLDERS):
            raise FileExistsError(
                f"{out} holds files without a manifest: delete it or choose another directory"
            )
        return
    earlier = Manifest.read(out).arguments
    if earlier == arguments:
        return
    same_world = all(earlier[name] == arguments[name] for name in ("seed", "start"))
    begin, end = earlier["first_day"], earlier["first_day"] + earlier["days"]
    overlaps = begin < arguments["first_day"] + arguments["days"] and arguments["first_day"] < end
    if not same_world or overlaps:
        raise FileExistsError(f"{out} holds another sample {earlier}: delete it or choose another directory")
