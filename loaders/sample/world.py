"""The sample world: visitors, spaces and products. All of it is a function of the seed alone.

Nobody lists the visitors: a visitor is named by the day of the first visit and an index, and `World.visitor`
derives the rest from a hash. So a world has as many visitors as wanted, and a later call finds the same ones.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from loaders.sample import vocabulary

SPACES = 48
PRODUCTS = 400
_COORDINATES = 4_096
_DAILY_PRICE_CHANGES = 12
_DAILY_STOCK_CHANGES = 30
_CATEGORY_CHANGE_EVERY_DAYS = 3

Choice = TypeVar("Choice")


def table_of(weighted: Sequence[tuple[Choice, int]], size: int = 256) -> list[Choice]:
    """A list of `size` choices, each as often as its weight asks: one byte or one random number picks one."""
    total = sum(weight for _, weight in weighted)
    table: list[Choice] = []
    reached = 0
    for choice, weight in weighted:
        reached += weight
        table.extend([choice] * (size * reached // total - len(table)))
    return table


class Room(NamedTuple):
    """A room of a space; `properties` is its part of an event's properties, as JSON text."""

    id: str
    url: str
    properties: str


class Space(NamedTuple):
    """A space that can be toured; `properties` is its part of an event's properties, as JSON text."""

    id: str
    url: str
    rooms: list[Room]
    properties: str


class Visitor(NamedTuple):
    """A browser with one account behind it (or two, where people share the device)."""

    anonymous_id: str
    user_ids: tuple[str, ...]
    signup_date: str
    country: str
    user_agent: str
    device_type: str
    login_day: int | None
    """The first day of the world on which the visitor logs in to a tour; None: never."""
    taste: int
    """0 to 255: which sites, spaces and categories the visitor likes."""


@dataclass(slots=True)
class Product:
    """A product as the catalog shows it today."""

    id: str
    name: str
    category: str
    brand: str
    cents: int
    stock: int

    @property
    def price_json(self) -> str:
        """The price as the shortest JSON number, so that any JSON library writes the same text."""
        return repr(self.cents / 100)


class World:
    """Spaces and visitors of a seed.

    Args:
        seed: any integer.
        start: the date of day 0.
    """

    def __init__(self, seed: int, start: date) -> None:
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
        self._start = start
        self._countries = table_of(vocabulary.COUNTRIES)
        self._browsers = table_of(
            [((agent, device), weight) for agent, device, weight in vocabulary.BROWSERS]
        )
        rng = Random(f"{seed}/spaces")
        self.spaces: list[Space] = [_space(rng, number) for number in range(SPACES)]
        self.coordinates: list[str] = [_coordinates(rng) for _ in range(_COORDINATES)]

    def digest(self, name: str) -> bytes:
        """32 bytes that depend on the seed and on `name` only."""
        return hashlib.blake2b(name.encode(), digest_size=32, key=self._key).digest()

    def visitor(self, birth: int, index: int, *, second_device: bool = False) -> Visitor:
        """The visitor `index` of those who came first on day `birth` (which may lie before day 0).

        Every tenth visitor also comes from a second device: other cookie and browser, same user. Every
        twentieth device has two users, who log in from the first day on.
        """
        traits = self.digest(f"{birth}/{index}")
        browser = traits
        if second_device and traits[8] < 26:
            browser = self.digest(f"{birth}/{index}/second")
        anonymous = browser.hex()
        user_agent, device_type = self._browsers[browser[1]]
        user_ids = (f"u_{anonymous[40:52]}",) if browser is traits else (f"u_{traits.hex()[40:52]}",)
        login_day = birth + traits[4] % 6 if traits[3] < 110 else None
        if traits[7] < 12:
            user_ids, login_day = (user_ids[0], f"u_{traits.hex()[28:40]}"), birth
        return Visitor(
            f"{anonymous[:8]}-{anonymous[8:12]}-4{anonymous[13:16]}-a{anonymous[17:20]}-{anonymous[52:64]}",
            user_ids,
            (self._start + timedelta(days=birth - traits[9] % 90)).isoformat(),
            self._countries[traits[2]],
            user_agent,
            device_type,
            login_day,
            traits[5],
        )


class Catalog:
    """The products on sale; `advance` moves it to the next day."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.day = 0
        rng = Random(f"{seed}/catalog")
        self.products: list[Product] = [_product(rng, number) for number in range(PRODUCTS)]
        self.by_category: dict[str, list[Product]] = {}
        self._group()

    def advance(self) -> list[Product]:
        """Go to the next day; returns the products whose price, stock or category changed, by product id."""
        self.day += 1
        rng = Random(f"{self._seed}/catalog/{self.day}")
        changed: set[int] = set()
        for number in rng.sample(range(PRODUCTS), _DAILY_PRICE_CHANGES):
            product = self.products[number]
            product.cents = max(99, product.cents * rng.randrange(80, 126) // 100)
            changed.add(number)
        for number in rng.sample(range(PRODUCTS), _DAILY_STOCK_CHANGES):
            self.products[number].stock = rng.randrange(500)
            changed.add(number)
        if self.day % _CATEGORY_CHANGE_EVERY_DAYS == 0:
            number = rng.randrange(PRODUCTS)
            self.products[number].category = rng.choice(list(vocabulary.CATEGORIES))
            changed.add(number)
        self._group()
        return [self.products[number] for number in sorted(changed)]

    def _group(self) -> None:
        self.by_category = {category: [] for category in vocabulary.CATEGORIES}
        for product in self.products:
            self.by_category[product.category].append(product)


def _space(rng: Random, number: int) -> Space:
    space_id = f"space-{1001 + number}"
    building_name = vocabulary.SPACE_NAMES[number % len(vocabulary.SPACE_NAMES)]
    name = f"{building_name} {1 + number // 4}{'ABCD'[number % 4]}"
    url = f"https://tours.example.com/spaces/{space_id}"
    described = {
        "spaceId": space_id,
        "spaceName": name,
        "spaceType": rng.choice(vocabulary.SPACE_TYPES),
        "community": rng.choice(vocabulary.COMMUNITIES),
        "building": f"Building {rng.choice('ABCDEF')}",
        "floorplan": rng.choice([*vocabulary.FLOORPLANS, None]),
    }
    names = vocabulary.ROOM_NAMES[: rng.randrange(4, len(vocabulary.ROOM_NAMES) + 1)]
    rooms = [
        Room(
            f"room-{1001 + number}-{index}",
            f"{url}/rooms/{index}",
            _members({"roomId": f"room-{1001 + number}-{index}", "roomName": room_name}),
        )
        for index, room_name in enumerate(names)
    ]
    return Space(space_id, url, rooms, _members(described))


def _coordinates(rng: Random) -> str:
    """Camera coordinates as JSON text: mostly calm, some beyond a limit of exploration, some on one."""
    pitch: float = round(rng.gauss(0, 18), 2)
    yaw: float = round(rng.gauss(0, 80), 2)
    if rng.random() < 0.03:
        pitch = rng.choice([15, -15, 45, -45])
    if rng.random() < 0.03:
        yaw = rng.choice([90, -90, 180, -180])
    hfov = rng.choice([90, 100, 110, 123, round(rng.uniform(60, 120), 2)])
    return json.dumps({"pitch": pitch, "yaw": yaw, "hfov": hfov}, separators=(",", ":"))


def _product(rng: Random, number: int) -> Product:
    category = rng.choice(list(vocabulary.CATEGORIES))
    brand = rng.choice(vocabulary.BRANDS)
    name = f"{brand} {rng.choice(vocabulary.CATEGORIES[category])} {rng.randrange(100, 1000)}"
    cents = int(300 * 1.05 ** rng.randrange(110)) // 10 * 10 + 9
    return Product(f"p_{1001 + number}", name, category, brand, cents, rng.randrange(500))


def _members(described: dict[str, str | None]) -> str:
    """The members of a JSON object without its braces."""
    return json.dumps(described, ensure_ascii=False, separators=(",", ":"))[1:-1]
