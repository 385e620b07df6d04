"""What waits between the loaders' threads is bounded, whatever the sizes, and errors come in their place."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from loaders.read_ahead import ReadAhead

MOST = 100


class Source:
    """Yields sizes; knows how many of them it has made."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.made = 0

    def __iter__(self) -> Iterator[int]:
        for size in self.sizes:
            self.made += 1
            yield size


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_items_in_order_and_bounded(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [chance.choice([0, 1, 10, 30, 60, 100, 300]) for _ in range(300)]
    source = Source(sizes)
    taken: list[int] = []
    with ReadAhead(iter(source), MOST, lambda size: size) as ahead:
        for size in ahead:
            taken.append(size)
            if chance.random() < 0.2:
                time.sleep(0.001)
            # The one in our hands and those that wait; the source may be at one more.
            held = sizes[len(taken) - 1 : source.made - 1]
            assert sum(held) <= MOST or held == [size], "more than may wait"
    assert taken == sizes


def test_a_large_item_is_there_alone() -> None:
    source = Source([10, 300, 10, 10])
    with ReadAhead(iter(source), MOST, lambda size: size) as ahead:
        items = iter(ahead)
        assert [next(items), next(items)] == [10, 300]
        time.sleep(0.05)
        assert source.made == 2, "nothing is made while the large one is in use"
        assert [next(items), next(items)] == [10, 10]


def test_an_error_comes_where_its_item_would_have() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 300
        raise ValueError("the store is gone")

    with ReadAhead(source(), MOST, lambda size: size) as ahead:
        items = iter(ahead)
        assert [next(items), next(items)] == [1, 300]
        with pytest.raises(ValueError, match="the store is gone"):
            next(items)


@pytest.mark.parametrize("sizes", [[60, 60, 60], [300, 300]], ids=["small", "large"])
def test_leaving_early_ends_the_thread(sizes: list[int]) -> None:
    before = threading.active_count()
    with ReadAhead(iter(sizes), MOST, lambda size: size) as ahead:
        assert next(iter(ahead)) == sizes[0]
    assert threading.active_count() == before
