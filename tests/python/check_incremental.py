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
        if (batch / "products").exists():
            warehouse.load("historical", batch / "products", into="products")
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
    """Write the objects of two batches; returns their directories."""
    chance = random.Random(seed)
    generate_sample(directory / "sample", events=3000, days=4, seed=seed)
    batches = [directory / "first", directory / "second"]
    for path in sorted((directory / "sample").rglob("*")):
        kind = path.relative_to(directory / "sample").parts[0]
        if path.is_file() and kind in ("firehose", "products"):
            to = batches[chance.randrange(2)] / path.relative_to(directory / "sample")
            to.parent.mkdir(parents=True, exist_ok=True)
            path.rename(to)
    events = random_events(chance)
    chance.shuffle(events)
    for number, batch in enumerate(batches):
        write_object(
            batch / "firehose" / "random.json",
            [*events[number::2], *chance.sample(events, 10), "broken {"],
            START + timedelta(days=10, hours=number),
        )
    return batches


if __name__ == "__main__":
    main()
