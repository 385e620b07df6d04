"""The promise: any history of batches ends in the rows of one full refresh.

Random visitors with gaps around the session limit, cut into batches that are shuffled, delayed, repeated and
uploaded again; after the last incremental run every model equals a full refresh over the same raw tables.
"""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from comparison import assert_same_rows
from warehouse import Warehouse

# More seeds: INCREMENTAL_SEEDS=1,2,3 pytest tests/python/test_incremental.py
SEEDS = [int(seed) for seed in os.environ.get("INCREMENTAL_SEEDS", "1").split(",")]
START = datetime(2026, 3, 1, 20, tzinfo=UTC)
TYPES = ["page_view", "product_view", "add_to_cart", "purchase"]


def random_events(chance: random.Random) -> list[dict]:
    """Events of a few visitors: gaps at the session limit, midnights, ids that two visitors share."""
    events = []
    for visitor in range(10):
        moment = START + timedelta(minutes=chance.randrange(2000))
        for number in range(chance.randrange(1, 40)):
            gap = chance.choice([0, 1, 300, 1799, 1800, 1800, 1801, 1801, 3600, 40_000])
            moment += timedelta(seconds=gap)
            kind = chance.choice(TYPES)
            events.append(
                {
                    "type": kind,
                    "anonymousId": f"visitor-{visitor}",
                    "userId": chance.choice([None, None, f"user-{visitor % 4}"]),
                    # A few ids are used by two visitors: the copy with the greater time stays.
                    "messageId": chance.choice(
                        [f"m-{visitor}-{number}", f"m-{visitor}-{number}", f"m-{number}", None]
                    ),
                    "timestamp": moment.isoformat(),
                    "properties": {
                        "url": f"https://example.com/page-{number % 5}",
                        "spaceType": chance.choice(["flat", "house", None]),
                        "productId": f"p-{chance.randrange(6)}",
                        "category": chance.choice(["a", "b", None]),
                        "price": "9.99",
                        "quantity": chance.randrange(3),
                    },
                }
            )
    return events


def write_object(path: Path, events: list, modified_at: datetime) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(event if isinstance(event, str) else json.dumps(event) for event in events))
    os.utime(path, (modified_at.timestamp(), modified_at.timestamp()))


@pytest.mark.parametrize("seed", SEEDS)
def test_any_history_equals_a_full_refresh(warehouse: Warehouse, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    events = random_events(chance)
    chance.shuffle(events)
    objects = [events[start::9] for start in range(9)]
    for content in objects:
        content += chance.sample(events, 5)
        content += ["broken {", "{}", '{"type":"page"}']
        chance.shuffle(content)
    modified_at = START + timedelta(days=10)
    batches = [objects[0:4], objects[4:5], objects[5:8], objects[8:9]]
    directory = tmp_path / "objects"
    written: list[Path] = []
    for number, batch in enumerate(batches):
        for content in batch:
            path = directory / f"{chance.randrange(10**6):06}.json"
            write_object(path, content, modified_at + timedelta(hours=chance.randrange(48)))
            written.append(path)
        if number >= 1:
            # An earlier object again, with part of its events, newer or older than the version that is there.
            path = chance.choice(written[: len(objects[0])])
            again = chance.sample(events, 25)
            write_object(path, again, modified_at + timedelta(hours=chance.randrange(-48, 96)))
        warehouse.load("firehose", directory)
        if chance.random() < 0.3 and number < len(batches) - 1:
            # Two loads before the next build.
            continue
        warehouse.dbt("run")
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")


def test_a_model_built_without_its_parents_asks_again(warehouse: Warehouse, tmp_path: Path) -> None:
    """A batch counts as built by a model only when all that the model reads has built it too."""
    events = random_events(random.Random(7))
    write_object(tmp_path / "first" / "a.json", events[::2], START + timedelta(days=10))
    write_object(tmp_path / "second" / "b.json", events[1::2], START + timedelta(days=10))
    warehouse.load("firehose", tmp_path / "first")
    warehouse.dbt("run")
    warehouse.load("firehose", tmp_path / "second")
    warehouse.dbt("run", "--select", "stg_web_events", "stg_products", "int_batch_reach", "user_activity")
    warehouse.dbt("run")
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")
