"""`make bench-engines`: a full build of the same raw tables by DuckDB and by Trino, one after the other.

Both write to the same local lakehouse, in schemas of their own; in the end every row is compared.
"""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

import click
import psutil
from comparison import assert_same_rows
from figures import show, work_option, write_option
from kept_sample import kept_sample
from measured import Measured, measured, peak_of
from warehouse import Warehouse

from loaders.lakehouse import store, trino
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.trino import TrinoSettings

DAYS = 14
COLUMNS = ("engine", "seconds", "processor seconds", "peak GB", "of DuckDB's time")


@click.command()
@click.option("--events", default=1_000_000, show_default=True, help="Of the sample, over 14 days.")
@click.option("--memory", default=3072, show_default=True, help="Megabytes of Trino's heap.")
@work_option("engines", "the sample and the lakehouse; the sample is kept for the next run")
@write_option
def main(events: int, memory: int, work: Path, write: Path | None) -> None:
    """Build on both engines, print time and memory of each, and compare the rows."""
    work = work.resolve()
    sample = kept_sample(work / f"sample-{events}", events=events, days=DAYS)
    shutil.rmtree(work / "home", ignore_errors=True)
    warehouse = Warehouse(work / "home")
    settings = TrinoSettings(warehouse.settings, _free_port(), memory)
    warehouse.environment |= {"TRINO_HOST": "127.0.0.1", "TRINO_PORT": str(settings.port)}
    try:
        for loader, folder in (("historical", "archive"), ("firehose", "firehose")):
            warehouse.load(loader, sample / folder)
        warehouse.load("historical", sample / "products", "products")
        on_duckdb = _build(warehouse, "local")
        begin = time.perf_counter()
        server = trino.start(settings)
        started = time.perf_counter() - begin
        on_trino = _build(warehouse, "trino", server.pid)
        equal = assert_same_rows(warehouse, "bench_trino", "bench_local")
    finally:
        trino.stop(settings)
        warehouse.close()
    rows = [
        (
            name,
            f"{took.seconds:.1f}",
            f"{took.cpu_seconds:.1f}",
            f"{took.peak_bytes / 1e9:.2f}",
            f"{took.seconds / on_duckdb.seconds:.2f}",
        )
        for name, took in (("DuckDB", on_duckdb), ("Trino", on_trino))
    ]
    note = (
        f"`dbt run` of {events:,} events, {psutil.cpu_count()} cores; dbt and the engine, without the store "
        f"and Trino's start ({started:.1f} s). {len(equal)} models, {sum(equal.values()):,} rows: equal."
    )
    show(COLUMNS, rows, note, "time table", write)


def _build(warehouse: Warehouse, target: str, server: int | None = None) -> Measured:
    """`dbt run` of everything; with a server, its processor time and memory are added."""
    store.ensure_running(warehouse.settings)
    warehouse.dbt("seed", "--target", target, DBT_SCHEMA=f"bench_{target}")
    before = _processor_seconds(server)
    environment = {**warehouse.environment, "DBT_SCHEMA": f"bench_{target}"}
    took = measured(["dbt", "run", "--target", target], environment, PROJECT_ROOT)
    return Measured(
        took.seconds,
        took.cpu_seconds + _processor_seconds(server) - before,
        took.peak_bytes + (peak_of(server) if server else 0),
        took.output,
    )


def _processor_seconds(pid: int | None) -> float:
    if pid is None:
        return 0.0
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
