"""Who visits: newcomers, and returning visitors with their habits of weekday and hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from loaders.sample.clock import Window, weekday_weight
from loaders.sample.world import Visitor, World, table_of

NEWCOMER_SHARE = 0.3
SECOND_DEVICE_SHARE = 0.25
_EVENTS_PER_SESSION = 8.5
_SLOTS = 8
_HOURS_PER_SLOT = 24 // _SLOTS
_IN_OWN_SLOT = 0.75
_LONGEST_ABSENCE_DAYS = 42


class Population:
    """Draws the visitors of a window's sessions.

    The visitors that began on one day are split into slots of the day: most come back at about the same hour.
    They come back soon, or a whole number of weeks later, or never. Nothing is remembered between draws but
    how many newcomers today has had, so that a later call, with other days, draws from the same people.

    Args:
        world: whose visitors to draw.
        window: the days that will be drawn.
        events_per_day: the mean traffic, which sets how many visitors begin on a day.
    """

    def __init__(self, world: World, window: Window, events_per_day: float) -> None:
        self._world = world
        self._window = window
        self._newcomers_per_slot = events_per_day / _EVENTS_PER_SESSION * NEWCOMER_SHARE / _SLOTS
        self._absences = table_of(
            [(days, round(1_000 / (1 + days) ** 0.9) * (3 if days % 7 == 0 else 1))
             for days in range(_LONGEST_ABSENCE_DAYS + 1)],
            size=2_048,
        )  # fmt: skip
        self._day = window.first_day
        self._newcomers = [0] * _SLOTS
        self._random: Callable[[], float] = Random().random

    def start_day(self, day: int, rng: Random) -> None:
        """Go to a day; `rng` makes its draws."""
        self._day = day
        self._newcomers = [0] * _SLOTS
        self._random = rng.random

    def draw(self, hour: int) -> Visitor:
        """The visitor of the next session, which starts in that hour (0 to 23, UTC) of the current day."""
        random = self._random
        in_own_slot = random() < _IN_OWN_SLOT
        slot = hour // _HOURS_PER_SLOT if in_own_slot else int(random() * _SLOTS)
        second_device = random() < SECOND_DEVICE_SHARE
        if random() < NEWCOMER_SHARE:
            rank = self._newcomers[slot]
            self._newcomers[slot] += 1
            return self._world.visitor(self._day, rank * _SLOTS + slot)
        birth = self._day - self._absences[int(random() * 2_048)]
        weight = weekday_weight(self._window.start + timedelta(days=birth))
        rank = int(max(1.0, self._newcomers_per_slot * weight) * random() ** 1.4)
        return self._world.visitor(birth, rank * _SLOTS + slot, second_device=second_device)
