"""The promise: any history of batches ends in the rows of one full refresh.

Random visitors with gaps around the session limit, cut into batches that are shuffled, delayed, repeated and
uploaded again; after the last incremental run every model equals a full refresh over the same raw tables.
"""

from __future__ import annotations

import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from comparison import assert_same_rows
from random_history import START, random_events, write_object
from warehouse import MARTS, Warehouse

# More seeds: INCREMENTAL_SEEDS=4,5,6 pytest tests/python/test_incremental.py
SEEDS = [int(seed) for seed in os.environ.get("INCREMENTAL_SEEDS", "1,2").split(",")]


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
    warehouse.left_out = MARTS
    events = random_events(random.Random(7))
    write_object(tmp_path / "first" / "a.json", events[::2], START + timedelta(days=10))
    write_object(tmp_path / "second" / "b.json", events[1::2], START + timedelta(days=10))
    warehouse.load("firehose", tmp_path / "first")
    warehouse.dbt("run")
    warehouse.load("firehose", tmp_path / "second")
    warehouse.dbt("run", "--select", "stg_web_events", "stg_products", "int_loaded_objects", "hourly_revenue")
    warehouse.dbt("run")
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")


def test_what_waits_is_built_in_parts(warehouse: Warehouse, tmp_path: Path) -> None:
    """The oldest batches first, as many as a run takes; part by part it ends in the same rows."""
    warehouse.left_out = MARTS
    events = random_events(random.Random(8))
    for number in range(3):
        write_object(tmp_path / f"{number}" / "a.json", events[number::3], START + timedelta(days=10))
        warehouse.load("firehose", tmp_path / f"{number}")
    for part in range(1, 4):
        warehouse.dbt("run", "--vars", "{max_records_per_run: 1}")
        taken_up = warehouse.rows("analytics_intermediate.int_loaded_objects", "source_uri")
        folders = sorted(Path(row["source_uri"]).parent.name for row in taken_up)
        assert folders == [str(number) for number in range(part)]
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")
