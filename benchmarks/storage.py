"""`make bench-storage`: files and metadata after many small batches with maintenance, beside one big load.

Two lakehouses get the same objects: one in `--batches` loads with a `dbt run` after each, and
`python -m loaders maintain` after every `--maintain-every`; the other in one load and run, maintained too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click
from dbt.cli.main import dbtRunner
from figures import show, work_option, write_option
from pyiceberg.table import Table as IcebergTable
from rich.console import Console
from warehouse import Warehouse

from loaders import loading
from loaders.lakehouse import store
from loaders.lakehouse.settings import WAREHOUSE
from loaders.sample import generate_sample

# At once, for the comparison: in production the defaults keep snapshots for a week.
AT_ONCE = ("--keep-snapshots", "0s", "--keep-orphans", "0s", "--force")
MAINTAIN = ("python", "-m", "loaders", "maintain", *AT_ONCE)
DAYS = 10


@click.command()
@click.option("--batches", default=200, show_default=True)
@click.option("--events", default=100_000, show_default=True, help="Of all batches together, over 10 days.")
@click.option("--maintain-every", default=25, show_default=True)
@work_option("storage", "the sample and the lakehouses")
@write_option
def main(batches: int, events: int, maintain_every: int, work: Path, write: Path | None) -> None:
    """Load and build in small batches and at once; print the files and bytes of both, and their ratios."""
    console = Console()
    work = work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    sample = work / "sample"
    generate_sample(sample, events=events, days=DAYS, seed=1, first_day=1)
    objects = sorted(path for path in (sample / "firehose").rglob("*") if path.is_file())
    parts = [objects[number::batches] for number in range(batches)]
    if not all(parts):
        raise click.UsageError(
            f"the sample has {len(objects)} objects: that is too few for {batches} batches"
        )

    small = Warehouse(work / "small")
    os.environ.update(small.environment)
    big: Warehouse | None = None
    try:
        for number, part in enumerate(parts, start=1):
            folder = work / "parts" / f"{number:04}"
            folder.mkdir(parents=True)
            for path in part:
                shutil.copy2(path, folder / path.name)
            load_and_build(folder)
            if number % maintain_every == 0 or number == batches:
                before = storage(small)
                small.command(*MAINTAIN)
                console.print(f"{number} batches: {describe(before)}; maintained: {describe(storage(small))}")
        big = Warehouse(work / "big")
        big.load("firehose", work / "parts")
        big.dbt("run")
        big.command(*MAINTAIN)
        many, one = storage(small), storage(big)
    finally:
        small.close()
        if big:
            big.close()
    columns = ("of all tables", f"{batches} batches", "one load", "ratio")
    rows = [
        (name, f"{many[name]:,}", f"{one[name]:,}", f"{many[name] / max(1, one[name]):.2f}") for name in many
    ]
    show(columns, rows, f"{events:,} events, both after maintenance.", "storage table", write)


def load_and_build(folder: Path) -> None:
    """One small batch, in this process: two starts of Python for each would take most of the time."""
    summary = loading.run(str(folder), dataset="web_events", source="firehose")
    built = dbtRunner().invoke(["build", "--resource-type", "seed", "--resource-type", "model", "--quiet"])
    if summary.errors or not built.success:
        raise SystemExit(f"{folder} failed: {summary.errors or built.exception or 'dbt run'}")


def storage(warehouse: Warehouse) -> dict[str, int]:
    """What the current state of all tables needs, and what lies in the store in all."""
    total = {"data files": 0, "delete files": 0, "their bytes": 0, "manifests": 0, "snapshots": 0}
    catalog = warehouse.catalog()
    for namespace in catalog.list_namespaces():
        for name in catalog.list_tables(namespace):
            for key, value in _of_table(catalog.load_table(name)).items():
                total[key] += value
    sizes = _object_sizes(warehouse)
    return total | {"objects in the store": len(sizes), "their bytes in all": sum(sizes)}


def _object_sizes(warehouse: Warehouse) -> list[int]:
    """Of the lakehouse's bucket, in bytes; the store lists folders, too, as empty objects."""
    client = store.ensure_running(warehouse.settings).s3_client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=WAREHOUSE)
    return [found["Size"] for page in pages for found in page.get("Contents", []) if found["Size"]]


def _of_table(table: IcebergTable) -> dict[str, int]:
    snapshot = table.current_snapshot()
    if snapshot is None:
        return {}
    files = table.inspect.files()
    kinds = files["content"].to_pylist()
    return {
        "data files": kinds.count(0),
        "delete files": len(kinds) - kinds.count(0),
        "their bytes": sum(files["file_size_in_bytes"].to_pylist()),
        "manifests": len(snapshot.manifests(table.io)),
        "snapshots": len(table.metadata.snapshots),
    }


def describe(found: dict[str, int]) -> str:
    """All figures in one line."""
    return ", ".join(f"{value:,} {name}" for name, value in found.items())


if __name__ == "__main__":
    main()
