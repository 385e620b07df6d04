"""`make bench-batch`: what a batch costs, whatever the history; a full refresh beside a hand-written script.

One sample of `--events` events over 100 days. The large lakehouse holds all of it but the last two days, the
small one only the ten days before these: as many events a day, a tenth of the history.

1. A full refresh of the large history: of the models that hand_written.sql covers, with all that these read,
   beside that script; then of all models. Rows of model and script are compared, by their number and
   the sum of their hashes.
2. Both histories get the same half days, one after the other, each loaded and built. The large one then gets
   another, with all tests, and a run with nothing new.
3. Peaks on the large history: `--peak` events of a day of their own, loaded and built; once with the marts of
   events alone, once with all facts and dimensions, too, once with all models.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterable
from pathlib import Path

import click
from comparison import compared_with_parquet
from figures import show, work_option, write_option
from kept_sample import kept_sample
from measured import Measured, measured, peak_of
from rich.console import Console
from rich.table import Table
from warehouse import Warehouse

from loaders.lakehouse import store
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.sample import DEFAULT_START

DAYS, SMALL_DAYS, BATCH_DAYS = 100, 10, 2
COLUMNS = ("what", "seconds", "processor seconds", "peak GB", "ratio", "at most")
# What a peak builds, with all that these read; none is everything. (what, models, at most)
EVENT_MARTS = (
    "category_performance",
    "conversion_funnel",
    "dim_products",
    "dim_visitors",
    "fct_sessions",
    "fct_web_events",
    "hourly_revenue",
    "load_reconciliation",
    "rejected_events",
    "schema_drift",
    "top_products",
    "user_activity",
)
PEAKS = (
    ("marts of events", EVENT_MARTS, "45 s"),
    ("these and all of core", (*EVENT_MARTS, "path:models/marts/core"), "60 s"),
    ("all models", (), "90 s, 6 GB"),
)


class Lakehouse(Warehouse):
    """A lakehouse whose commands are measured."""

    def run(self, *arguments: str) -> Measured:
        """Run a command; its peak memory includes the store's."""
        running = store.ensure_running(self.settings)
        result = measured(list(arguments), self.environment, PROJECT_ROOT)
        return Measured(
            result.seconds, result.cpu_seconds, result.peak_bytes + peak_of(running.pid), result.output
        )


@click.command()
@click.option("--events", default=10_000_000, show_default=True, help="Of the whole sample, over 100 days.")
@click.option("--peak", default=750_000, show_default=True, help="Events of the peak batch.")
@work_option("batch", "the sample and the lakehouses; the sample is kept for the next run")
@write_option
def main(events: int, peak: int, work: Path, write: Path | None) -> None:
    """Measure batches, the peak, runs with nothing new and a full refresh; print the figures and ratios."""
    console = Console()
    work = work.resolve()
    sample = kept_sample(work / f"sample-{events}", events=events, days=DAYS)
    peak_samples = [
        kept_sample(work / f"peak-{peak}-{day}", events=peak, days=1, first_day=day)
        for day in range(DAYS, DAYS + len(PEAKS))
    ]
    shutil.rmtree(work / "homes", ignore_errors=True)
    rows: list[tuple[str, ...]] = []

    def report(what: str, took: Measured, ratio: float | None = None, limit: str = "") -> None:
        shown = f"{ratio:.2f}" if ratio is not None else ""
        row = (what, f"{took.seconds:.1f}", f"{took.cpu_seconds:.1f}", f"{took.peak_bytes / 1e9:.2f}")
        rows.append((*row, shown, limit))
        console.print(" ".join([f"{what}:", *row[1:4]]), shown)

    first_small = DAYS - BATCH_DAYS - SMALL_DAYS
    small = Lakehouse(work / "homes/small")
    large: Lakehouse | None = None
    try:
        parts = Parts(sample, work / "homes/parts")
        report(
            f"load {SMALL_DAYS} days", small.run(*load(parts.days("small", first_small, DAYS - BATCH_DAYS)))
        )
        small.run("dbt", "seed")
        report("first build of the small history", small.run("dbt", "run"))
        large = Lakehouse(work / "homes/large")
        if (sample / "archive").exists():
            report("load the archive", large.run(*load(sample / "archive", "historical")))
        report(
            f"load {DAYS - BATCH_DAYS} days of Firehose",
            large.run(*load(parts.days("large", 0, DAYS - BATCH_DAYS))),
        )
        large.run("dbt", "seed")
        files = work / "homes/by_hand"
        by_hand = hand_written(large, files)
        report("facts, dimensions and marts by hand, to Parquet", by_hand)
        covered = sorted(file.stem for file in files.glob("*.parquet"))
        same = large.run("dbt", "run", "--full-refresh", *selected(covered))
        report("full refresh of the same on the large history", same, same.seconds / by_hand.seconds, "2.2")
        compare(console, large, files)
        shutil.rmtree(files)
        report("full refresh of all models", large.run("dbt", "run", "--full-refresh"))

        runs: dict[str, list[Measured]] = {"small": [], "large": []}
        *half_days, last = [
            parts.half_day(DAYS - BATCH_DAYS + number // 2, number % 2) for number in range(2 * BATCH_DAYS)
        ]
        for number, batch in enumerate(half_days):
            for name, lakehouse in (("small", small), ("large", large)):
                lakehouse.run(*load(batch))
                runs[name].append(lakehouse.run("dbt", "run"))
                report(f"half day {number + 1} on the {name} history", runs[name][-1])
        middle = {name: statistics.median(run.seconds for run in found) for name, found in runs.items()}
        flat = f"{middle['large'] / middle['small']:.2f}"
        rows.append(("median half day, large over small", "", "", "", flat, "1.15"))
        rows.append(("median half day on the large history", f"{middle['large']:.1f}", "", "", "", "60 s"))
        large.run(*load(last))
        report(
            "dbt build, all tests, of half a day on the large history",
            large.run("dbt", "build"),
            limit="90 s",
        )
        before = large.snapshot_ids()
        report("dbt run with nothing new", large.run("dbt", "run"), limit="15 s")
        new_snapshots = [name for name, one in large.snapshot_ids().items() if one != before.get(name)]
        console.print(f"tables with a new snapshot: {new_snapshots or 'none'}")
        for what, models, limit in PEAKS:
            loaded = large.run(*load(peak_samples.pop(0) / "firehose"))
            built = large.run("dbt", "run", *selected(models))
            both = Measured(
                loaded.seconds + built.seconds,
                loaded.cpu_seconds + built.cpu_seconds,
                max(loaded.peak_bytes, built.peak_bytes),
                "",
            )
            report(f"peak of {peak:,}: load", loaded)
            report(f"peak of {peak:,}: dbt run, {what}", built)
            report(f"peak of {peak:,}: both, {what}", both, limit=limit)
            if models:
                # The next peak finds nothing that waits.
                large.run("dbt", "run")
    finally:
        small.close()
        if large:
            large.close()
    note = (
        f"A large history of {events:,} events in {DAYS} days and a small one of {SMALL_DAYS} days; half "
        f"a day has {events // DAYS // 2:,} events. {os.cpu_count()} cores; peak GB includes the store."
    )
    show(COLUMNS, rows, note, "batch table", write)


class Parts:
    """Parts of the sample's Firehose objects, as directories of links."""

    def __init__(self, sample: Path, directory: Path) -> None:
        self._firehose = sample / "firehose"
        self._directory = directory

    def days(self, name: str, first: int, end: int) -> Path:
        """The objects of some days of the world."""
        return self._linked(name, [hour for day in range(first, end) for hour in self._hours(day)])

    def half_day(self, day: int, half: int) -> Path:
        """The objects of one half of a day."""
        return self._linked(f"day-{day}-{half}", self._hours(day)[half * 12 : half * 12 + 12])

    def _hours(self, day: int) -> list[Path]:
        date = DEFAULT_START.toordinal() + day
        folder = self._firehose / time.strftime("%Y/%m/%d", DEFAULT_START.fromordinal(date).timetuple())
        return sorted(folder.glob("*"))

    def _linked(self, name: str, folders: list[Path]) -> Path:
        target = self._directory / name
        for folder in folders:
            shutil.copytree(folder, target / folder.relative_to(self._firehose), copy_function=os.link)
        return target


def load(path: Path, loader: str = "firehose") -> list[str]:
    """The command that loads a directory."""
    return ["python", "-m", "loaders", loader, str(path), "--json"]


def hand_written(lakehouse: Lakehouse, out: Path) -> Measured:
    """Run benchmarks/hand_written.sql over the lakehouse's raw table, in a process of its own."""
    out.mkdir(parents=True)
    return lakehouse.run("python", str(Path(__file__).with_name("hand_written.py")), str(out))


def selected(models: Iterable[str]) -> list[str]:
    """The options by which dbt builds some models and all that they read; none without a model."""
    select = [f"+{name}" for name in models]
    return ["--select", *select] if select else []


def compare(console: Console, lakehouse: Lakehouse, by_hand: Path) -> None:
    """Say how many rows both have, and whether they are the same."""
    table = Table("table", "rows of the model", "rows by hand", "all columns")
    with lakehouse.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        compared = compared_with_parquet(connection, by_hand)
        for name, (model, hand) in compared.items():
            table.add_row(name, f"{model[0]:,}", f"{hand[0]:,}", "equal" if model == hand else "NOT EQUAL")
    console.print(table)
    if different := [name for name, (model, hand) in compared.items() if model != hand]:
        raise click.ClickException(f"the script by hand has other rows than {', '.join(different)}")


if __name__ == "__main__":
    main()
