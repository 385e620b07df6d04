"""Plan sessions: who comes, with which tracker, for which journey, and with which peculiarities."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random

from loaders.sample import journeys, vocabulary
from loaders.sample.clock import (
    FLAT_SPELLINGS,
    MINUTES_PER_DAY,
    MONGO_SPELLINGS,
    MS_PER_MINUTE,
    TIME_OBJECTS,
    Spelling,
    Window,
    json_iso_z,
)
from loaders.sample.journeys import SESSION_GAP_MS, ShopStep, TourStep
from loaders.sample.oddities import ID_OF_ANOTHER, JSON_AS_TEXT, PADDED, SHARED_ID, WRAPPED
from loaders.sample.population import Population
from loaders.sample.trackers import EXPORTED_FORMATS, REES46, purchase_cents
from loaders.sample.world import Catalog, Visitor, World, table_of

LEGACY, NESTED, COMMERCE, CLICKSTREAM, WEB_SHOP = "legacy", "nested", "commerce", "clickstream", "web_shop"
OWN_FORMATS = (LEGACY, NESTED, COMMERCE, CLICKSTREAM, WEB_SHOP)
FORMATS = (*OWN_FORMATS, *EXPORTED_FORMATS)
CRAWLER, SCRIPTED = "crawler", "scripted"

_SHOP_FORMATS = table_of(
    [(COMMERCE, 50), (CLICKSTREAM, 30), (WEB_SHOP, 20), *((name, 2) for name in EXPORTED_FORMATS)]
)
_CSV_FORMATS = (CLICKSTREAM, WEB_SHOP, REES46)
_ODDITIES = {
    LEGACY: (ID_OF_ANOTHER, SHARED_ID, JSON_AS_TEXT, PADDED),
    NESTED: (WRAPPED, JSON_AS_TEXT, PADDED),
    COMMERCE: (SHARED_ID, PADDED),
    CLICKSTREAM: (SHARED_ID, JSON_AS_TEXT, PADDED),
    WEB_SHOP: (PADDED,),
}
_FLAT_SPELLINGS = table_of(FLAT_SPELLINGS)
_MONGO_SPELLINGS = table_of(MONGO_SPELLINGS)
_CHANNELS = table_of([((referrer, query), weight) for referrer, query, weight in vocabulary.CHANNELS])
_FLAT_NO_TIME = (None, "null", '""')
_MONGO_NO_TIME = (None, "null", '{"$date":null}')

_CRAWLER_SHARE = 0.012
_OWN_ID_SHARE = 0.5
_ENVELOPED_SHARE = 0.15
_NO_TIME_SHARE = 0.09
_CSV_SHARE = 0.5
_OFFLINE_SHARE = 0.004
_ODD_SHARE = 0.04
_BREAK_SHARE = 0.06
_LONGEST_OFFLINE_MINUTES = 3 * MINUTES_PER_DAY
_LEAST_EVENTS_FOR_SCRIPT = 300


@dataclass(slots=True)
class Session:
    """One tracker session: all of its events come from one visitor, by one tracker, in one format."""

    key: str
    """10 hexadecimal digits, unique in the world."""
    format: str
    visitor: Visitor
    user_id: str | None
    known_from: int
    """Index of the first step that carries the user id."""
    steps: list[TourStep] | list[ShopStep]
    spelling: Spelling
    referrer: str
    query: str
    """Query of the landing page, with its `?`, or empty."""
    own_id: bool
    """Whether the records carry an id of their own."""
    envelope: str | None = None
    """`bare`, `data`, `kinesis` or `url_safe` for records inside a Kinesis envelope."""
    no_time_index: int = -1
    """Index of the one step whose record has no time; -1: none."""
    no_time: str | None = None
    """JSON text instead of that record's time; None: the key is missing."""
    delay_minutes: int = 0
    """How long the device was offline before it sent the events."""
    is_csv: bool = False
    """Whether the archive holds it as CSV."""
    oddity: str | None = None
    """One of `oddities.ODDITIES`."""
    ids_of: str = ""
    """The key of the session whose events have the same ids; empty: none."""
    ids_shared: int = 0
    """How many of the ids are those of its events."""
    bot: str | None = None
    """`crawler` or `scripted`."""

    @property
    def is_priced(self) -> bool:
        """Whether records of purchases hold price and quantity (where those are known)."""
        return self.format == COMMERCE or (self.format == CLICKSTREAM and not self.is_csv)

    def cents(self, step: ShopStep) -> int | None:
        """What a purchase is worth, as its record says; None where it does not say."""
        if self.format in EXPORTED_FORMATS:
            return purchase_cents(self.format, step)
        if self.is_priced and step.price and step.quantity and step.product:
            return step.product.cents * step.quantity
        return None


class SessionPlanner:
    """Plans the sessions of a day, one by one.

    Args:
        seed: the seed of the world.
        window: the days of this call.
        world, catalog, population: what to draw from; the caller moves the catalog to the day.
    """

    def __init__(
        self, seed: int, window: Window, world: World, catalog: Catalog, population: Population
    ) -> None:
        self._seed = seed
        self._window = window
        self._world = world
        self._catalog = catalog
        self._population = population
        self._scramble = int.from_bytes(world.digest("session keys")[:5])
        self._rng = Random()
        self._day = 0
        self._serial = 0
        self._script_minute = -1
        self._script_events = 0
        self._odd_turns = {name: itertools.cycle(oddities) for name, oddities in _ODDITIES.items()}
        self._lends_ids: Session | None = None

    def start_day(self, day: int, quota: int) -> None:
        """Go to a day on which `quota` events will be planned."""
        self._day = day
        self._serial = 0
        self._rng = Random(f"{self._seed}/sessions/{day}")
        self._population.start_day(day, self._rng)
        self._script_minute = -1
        if quota >= _LEAST_EVENTS_FOR_SCRIPT:
            self._script_minute = self._rng.randrange(60, MINUTES_PER_DAY - 120)
            self._script_events = min(max(60, quota // 50), 2_000)

    def plan(self, minute: int, limit: int) -> Session:
        """Plan a session that starts in a minute of the day (0 to 1439).

        It is cut after `limit` events, and at the end of the window.
        """
        random = self._rng.random
        start = self._window.day_ms(self._day) + minute * MS_PER_MINUTE + int(random() * MS_PER_MINUTE)
        if minute >= self._script_minute >= 0:
            self._script_minute = -1
            session = self._script(start)
        elif random() < _CRAWLER_SHARE:
            session = self._crawler(start)
        else:
            session = self._person(start, minute // 60)
        session.steps = self._cut(session.steps, limit)
        if random() < _NO_TIME_SHARE:
            session.no_time_index = int(random() * len(session.steps))
            choices = _MONGO_NO_TIME if session.format == NESTED else _FLAT_NO_TIME
            session.no_time = choices[int(random() * 3)]
        if random() < _ODD_SHARE and not session.bot and not session.is_csv:
            self._make_odd(session)
        if session.format == LEGACY and session.own_id and not session.oddity:
            self._lends_ids = session
        return session

    def _make_odd(self, session: Session) -> None:
        """Give a session the next oddity of its format that it can have, if any."""
        turns = self._odd_turns.get(session.format)
        choices = itertools.islice(turns, len(_ODDITIES[session.format])) if turns else ()
        session.oddity = next((oddity for oddity in choices if self._can_be(session, oddity)), None)
        if session.oddity == ID_OF_ANOTHER and self._lends_ids:
            lender, self._lends_ids = self._lends_ids, None
            session.ids_of, session.ids_shared = lender.key, min(len(lender.steps), len(session.steps))

    def _can_be(self, session: Session, oddity: str) -> bool:
        if oddity == ID_OF_ANOTHER:
            lender = self._lends_ids
            is_other = lender and lender.visitor.anonymous_id != session.visitor.anonymous_id
            return session.own_id and bool(is_other)
        return oddity != SHARED_ID or session.own_id

    def _person(self, start: int, hour: int) -> Session:
        random = self._rng.random
        visitor = self._population.draw(hour)
        steps: list[TourStep] | list[ShopStep]
        if random() * 256 < 96 + visitor.taste % 64:
            steps = journeys.tour(random, self._world, visitor.taste, start)
            session = self._tour_session(visitor, steps)
        else:
            steps = journeys.shopping(random, self._catalog, visitor.taste, start)
            session = self._shop_session(visitor, steps)
        if len(steps) > 2 and random() < _BREAK_SHARE:
            session.steps = self._with_break(steps)
        if random() < _ENVELOPED_SHARE:
            session.envelope = ("bare", "data", "kinesis", "url_safe")[int(random() * 4)]
        if not session.is_csv and random() < _OFFLINE_SHARE:
            session.delay_minutes = 60 + int(random() * _LONGEST_OFFLINE_MINUTES)
        return session

    def _tour_session(self, visitor: Visitor, steps: list[TourStep]) -> Session:
        random = self._rng.random
        is_nested = random() * 256 < 64 + visitor.taste // 2
        user_id, known_from = None, 0
        if visitor.login_day is not None and self._day >= visitor.login_day:
            user_id = visitor.user_ids[int(random() * len(visitor.user_ids))]
            if self._day == visitor.login_day:
                known_from = min(2, len(steps) - 1)
            elif random() < 0.3:
                user_id = None
        referrer, query = _CHANNELS[int(random() * 256)]
        spellings = _MONGO_SPELLINGS if is_nested else _FLAT_SPELLINGS
        return Session(
            self._next_key(),
            NESTED if is_nested else LEGACY,
            visitor,
            user_id,
            known_from,
            steps,
            spellings[int(random() * 256)],
            referrer,
            query,
            own_id=is_nested or random() < _OWN_ID_SHARE,
        )

    def _shop_session(self, visitor: Visitor, steps: list[ShopStep]) -> Session:
        random = self._rng.random
        shop_format = _SHOP_FORMATS[(visitor.taste * 37 + int(random() * 40)) % 256]
        referrer, query = _CHANNELS[int(random() * 256)]
        session = Session(
            self._next_key(),
            shop_format,
            visitor,
            visitor.user_ids[int(random() * len(visitor.user_ids))],
            0,
            steps,
            _FLAT_SPELLINGS[int(random() * 256)],
            referrer,
            query,
            own_id=random() < _OWN_ID_SHARE,
        )
        in_archive = self._day < self._window.archive_days
        session.is_csv = in_archive and shop_format in _CSV_FORMATS and random() < _CSV_SHARE
        if session.format in EXPORTED_FORMATS or (session.is_csv and session.spelling in TIME_OBJECTS):
            session.spelling = json_iso_z
        return session

    def _crawler(self, start: int) -> Session:
        random = self._rng.random
        agents = vocabulary.CRAWLER_USER_AGENTS
        key = self._next_key()
        visitor = self._world.visitor(self._day, -1 - int(key, 16))._replace(
            user_agent=agents[int(random() * len(agents))], user_ids=(), login_day=None
        )
        steps = journeys.crawl(random, self._world, start)
        tracker = NESTED if random() < 0.5 else LEGACY
        return Session(key, tracker, visitor, None, 0, steps, json_iso_z, "", "", own_id=True, bot=CRAWLER)

    def _script(self, start: int) -> Session:
        """The scripted visitor, the same one every day."""
        visitor = self._world.visitor(0, -1)
        steps = journeys.scripted(self._rng.random, self._catalog, start, self._script_events)
        return Session(
            self._next_key(),
            CLICKSTREAM,
            visitor,
            visitor.user_ids[0],
            0,
            steps,
            json_iso_z,
            "",
            "",
            own_id=False,
            bot=SCRIPTED,
        )

    def _with_break(self, steps: list) -> list:
        """Put a break before one of the steps: exactly the session limit, slightly more, or some minutes."""
        random = self._rng.random
        gaps = (
            SESSION_GAP_MS,
            SESSION_GAP_MS + 1,
            SESSION_GAP_MS + 1_000,
            300_000 + int(random() * 1_200_000),
        )
        return journeys.with_break(steps, 1 + int(random() * (len(steps) - 1)), gaps[int(random() * 4)])

    def _cut(self, steps: list, limit: int) -> list:
        if steps[-1].at >= self._window.end_ms:
            steps = [step for step in steps if step.at < self._window.end_ms]
        return steps[:limit]

    def _next_key(self) -> str:
        """Multiplying by an odd number and xor keep different sessions different."""
        number = self._day << 24 | self._serial
        self._serial += 1
        return f"{(number * 0x9E3779B97F ^ self._scramble) & 0xFFFFFFFFFF:010x}"
