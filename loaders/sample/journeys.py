"""What visitors do: tours through spaces and rooms, visits to the shop, and what bots do instead.

A journey is a list of steps in the order of time. Between two steps of a person lie at least two seconds, so
that spellings of whole seconds keep them apart; where two steps share an instant on purpose, their events
differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from loaders.sample import vocabulary
from loaders.sample.world import Catalog, Product, Room, Space, World

SESSION_GAP_MS = 1_800_000
_SEARCHES = [json.dumps(query, ensure_ascii=False) for query in vocabulary.SEARCHES]
_CATEGORIES = list(vocabulary.CATEGORIES)

Draw = Callable[[], float]
"""Returns a random number in [0, 1)."""


class TourStep(NamedTuple):
    """One event of a tour site; `event` is None for a page view."""

    at: int
    event: str | None
    space: Space | None
    room: Room | None
    coordinates: str | None
    """Camera coordinates as JSON text; None: the event has none."""
    url: str


class ShopStep(NamedTuple):
    """One event of a shop; `at` in milliseconds since the epoch."""

    at: int
    event: str
    product: Product | None
    category: str | None
    quantity: int | None
    price: str | None
    """Unit price as JSON text; None: unknown."""
    query: str | None
    """Search text as JSON text."""
    path: str


def tour(random: Draw, world: World, taste: int, start: int) -> list[TourStep]:
    """A visit to the tour site.

    Args:
        random: the source of chance.
        world: whose spaces to visit.
        taste: the visitor's, which spaces to prefer.
        start: when it starts, in milliseconds since the epoch.
    """
    spaces, looks = world.spaces, world.coordinates
    count = len(spaces)
    space = spaces[(taste + int(random() ** 1.7 * count)) % count]
    if random() < 0.18:
        return [TourStep(start, None, None, None, None, "https://tours.example.com/")]
    at = start
    steps = [TourStep(at, None, space, None, None, space.url)]
    while True:
        at += 2_000 + int(random() * 4_000)
        steps.append(TourStep(at, "Space Viewed", space, None, None, space.url))
        if random() < 0.9:
            at += _pause(random)
        steps.append(TourStep(at, "Tour Started", space, None, None, space.url))
        visited = 1 + int(random() * len(space.rooms))
        for room in space.rooms[:visited]:
            at += _pause(random)
            look = looks[int(random() * 4_096)] if random() < 0.7 else None
            steps.append(TourStep(at, "Room Viewed", space, room, look, room.url))
            while random() < 0.45:
                at += 2_000 + int(random() * 9_000)
                look = looks[int(random() * 4_096)] if random() < 0.97 else None
                steps.append(TourStep(at, "Room View Position", space, room, look, room.url))
        if visited >= 3 and random() < 0.6:
            at += _pause(random)
            steps.append(TourStep(at, "Tour Completed", space, None, None, space.url))
        if random() < 0.06:
            at += 20_000 + int(random() * 60_000)
            steps.append(TourStep(at, "Contact Form Submitted", space, None, None, f"{space.url}/contact"))
        if random() < 0.8:
            return steps
        at += _pause(random)
        space = spaces[(taste + int(random() * count)) % count]
        steps.append(TourStep(at, None, space, None, None, space.url))


def shopping(random: Draw, catalog: Catalog, taste: int, start: int) -> list[ShopStep]:
    """A visit to the shop; arguments as for `tour`, with the catalog of the day."""
    at = start
    steps = [ShopStep(at, "page_view", None, None, None, None, None, "/")]
    if random() < 0.2:
        return steps
    liked = _CATEGORIES[taste % len(_CATEGORIES)]
    if random() < 0.35:
        at += _pause(random)
        query = _SEARCHES[int(random() * len(_SEARCHES))]
        steps.append(ShopStep(at, "search", None, None, None, None, query, "/search"))
    elif random() < 0.5:
        at += _pause(random)
        steps.append(ShopStep(at, "page_view", None, liked, None, None, None, f"/category/{liked}"))
    cart: list[tuple[Product, int]] = []
    while True:
        at += _pause(random)
        shelf = catalog.by_category[liked] if random() < 0.6 else catalog.products
        product = shelf[int(random() ** 1.8 * len(shelf))]
        path = f"/product/{product.id}"
        steps.append(ShopStep(at, "product_view", product, product.category, None, None, None, path))
        if random() < 0.28:
            at += _pause(random)
            quantity = 1 + int(random() ** 3 * 4)
            price = product.price_json
            steps.append(
                ShopStep(at, "add_to_cart", product, product.category, quantity, price, None, "/cart")
            )
            cart.append((product, quantity))
        if random() < 0.35:
            break
    if cart and random() < 0.45:
        at += 15_000 + int(random() * 90_000)
        for product, quantity in cart:
            at += 2_000
            price_known, quantity_known = random() < 0.99, random() < 0.995
            steps.append(
                ShopStep(
                    at,
                    "purchase",
                    product,
                    product.category,
                    quantity if quantity_known else None,
                    product.price_json if price_known else None,
                    None,
                    "/checkout/complete",
                )
            )
    return steps


def crawl(random: Draw, world: World, start: int) -> list[TourStep]:
    """A crawler reads page after page of the tour site, with a second or a few between them."""
    at, spaces = start, world.spaces
    first = int(random() * len(spaces))
    steps = []
    for number in range(8 + int(random() * 30)):
        space = spaces[(first + number) % len(spaces)]
        steps.append(TourStep(at, None, space, None, None, space.url))
        at += 1_000 + int(random() * 2_500)
    return steps


def scripted(random: Draw, catalog: Catalog, start: int, events: int) -> list[ShopStep]:
    """A script reads `events` product pages, several a second."""
    at = start
    steps = []
    for number in range(events):
        product = catalog.products[number % len(catalog.products)]
        path = f"/product/{product.id}"
        steps.append(ShopStep(at, "product_view", product, product.category, None, None, None, path))
        at += 100 + int(random() * 200)
    return steps


def with_break(steps: list, index: int, gap_ms: int) -> list:
    """Move the steps from `index` on so that exactly `gap_ms` lie before the first of them."""
    shift = gap_ms - (steps[index].at - steps[index - 1].at)
    return steps[:index] + [step._replace(at=step.at + shift) for step in steps[index:]]


def _pause(random: Draw) -> int:
    """Milliseconds between two steps of a person: at least 2 s, mostly some 10 s, sometimes a minute."""
    return 2_500 + int(random() ** 3 * 60_000)
