"""`make check-incremental MODEL=…`: does what a model declares as `rebuild_by` hold?

Two random batches on a lakehouse of its own, the second with late events, copies, days and sessions that it
shares with the first; after each the model and all it reads are built. Then a full refresh over the same raw
tables, and a comparison of all rows.
"""

from __future__ import annotations

import random
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import click
from comparison import assert_same_rows
from random_history import START, random_events, write_object
from warehouse import Warehouse

from loaders.sample import generate_sample

SHOP = ("products", "transactions", "reviews")


@click.command()
@click.argument("model")
@click.option("--seed", default=1, show_default=True, help="Another history.")
def main(model: str, seed: int) -> None:
    """Build MODEL by two batches and by a full refresh, and compare all rows."""
    with tempfile.TemporaryDirectory(prefix="check-incremental-") as directory:
        warehouse = Warehouse(Path(directory))
        try:
            sys.exit(check(warehouse, model, seed, Path(directory)))
        finally:
            warehouse.close()


def check(warehouse: Warehouse, model: str, seed: int, directory: Path) -> int:
    """Run the check on a lakehouse; prints what it finds and returns the exit status."""
    for batch in two_batches(directory / "objects", seed):
        warehouse.load("firehose", batch / "firehose")
        for dataset in SHOP:
            if (batch / dataset).exists():
                warehouse.load("historical", batch / dataset, into=dataset)
        built = warehouse.dbt("run", "--select", f"+{model}", check=False)
        if built.returncode:
            print(built.stdout)
            return built.returncode
    warehouse.dbt("run", "--full-refresh", "--select", f"+{model}", DBT_SCHEMA="refreshed")
    if model not in warehouse.models():
        print(f"there is no model {model} with rows of its own: name a stored model")
        return 1
    try:
        counts = assert_same_rows(warehouse, "analytics", "refreshed", only=model)
    except AssertionError as difference:
        print(
            f"{model}: after two batches (analytics) its rows are not those of a full refresh (refreshed). "
            f"Some depend on rows with another value of what it declares as rebuild_by.\n{difference}"
        )
        return 1
    print(f"{model}: {counts[model]:,} rows, the same after two batches and after a full refresh")
    return 0


def two_batches(directory: Path, seed: int) -> list[Path]:
    """Write two batches, the second with events of every other day; returns their directories."""
    chance = random.Random(seed)
    sample = directory / "sample"
    generate_sample(sample, events=3000, days=6, seed=seed)
    first, second = batches = [directory / "first", directory / "second"]
    for path in sorted(path for path in sample.rglob("*") if path.is_file()):
        kind, *folders = path.relative_to(sample).parts
        if kind in SHOP:
            to = chance.choice(batches)
        elif kind == "firehose":
            # firehose/2026/01/05/…
            to = second if int(folders[2]) % 2 and chance.random() < 0.5 else first
        else:
            continue
        (to / path.relative_to(sample)).parent.mkdir(parents=True, exist_ok=True)
        path.rename(to / path.relative_to(sample))
    events = random_events(chance)
    chance.shuffle(events)
    on_one_day = [event for event in events if event["timestamp"].startswith("2026-03-02")]
    late = [event for event in on_one_day if chance.random() < 0.5]
    for batch, content in ((first, [event for event in events if event not in late]), (second, late)):
        write_object(batch / "firehose" / "random.json", [*content, "broken {"], START + timedelta(days=10))
    return batches


if __name__ == "__main__":
    main()
