"""`make bench-late`: late events on many days, beside as many on one day.

A history of `--events` events over `--days` days. Then, in turns: as many late events on one day as there are
days, and one on each day, of visitors that were there on that day, so that sessions are cut anew.
"""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import click
from figures import show, work_option, write_option
from kept_sample import kept_sample
from measured import measured
from rich.console import Console
from warehouse import Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT

COLUMNS = ("late events", "seconds", "processor seconds", "ratio", "at most")


@click.command()
@click.option("--events", default=1_000_000, show_default=True, help="Events of the history.")
@click.option("--days", default=300, show_default=True, help="Days of the history; events of a batch.")
@click.option("--runs", default=3, show_default=True, help="Batches of each kind; the median counts.")
@work_option("late", "the sample and the lakehouse; the sample is kept for the next run")
@write_option
def main(events: int, days: int, runs: int, work: Path, write: Path | None) -> None:
    """Measure batches of late events on many days and on one; print the figures and their ratio."""
    console = Console()
    work = work.resolve()
    sample = kept_sample(work / f"sample-{events}-{days}", events=events, days=days)
    shutil.rmtree(work / "home", ignore_errors=True)
    warehouse = Warehouse(work / "home")
    try:
        warehouse.load_sample(sample)
        warehouse.dbt("seed")
        console.print(f"first build: {run(warehouse)[0]:.1f} s")
        visits = visits_by_day(warehouse, days)
        found: dict[str, list[tuple[float, float]]] = {"one": [], "many": []}
        for number in range(runs):
            one_day = visits[len(visits) // 2 + number : len(visits) // 2 + number + 1] * len(visits)
            for kind, where in (("one", one_day), ("many", visits)):
                directory = work / "home" / f"{kind}-{number}"
                write_late_events(directory, f"{kind}-{number}", where)
                warehouse.load("firehose", directory)
                found[kind].append(run(warehouse))
                console.print(f"{kind} {number + 1}: {found[kind][-1][0]:.1f} s")
    finally:
        warehouse.close()
    seconds, processor = (
        {kind: statistics.median(took[place] for took in all_took) for kind, all_took in found.items()}
        for place in (0, 1)
    )
    rows = [
        (f"{len(visits)} on one day", f"{seconds['one']:.1f}", f"{processor['one']:.1f}", "", ""),
        (
            f"{len(visits)} on {len(visits)} days",
            f"{seconds['many']:.1f}",
            f"{processor['many']:.1f}",
            f"{seconds['many'] / seconds['one']:.2f}",
            "1.5",
        ),
    ]
    note = f"A history of {events:,} events over {days} days; the median of {runs} batches of each, dbt run."
    show(COLUMNS, rows, note, "late table", write)


def run(warehouse: Warehouse) -> tuple[float, float]:
    """Wall and processor seconds of a dbt run."""
    took = measured(["dbt", "run"], warehouse.environment, PROJECT_ROOT)
    return took.seconds, took.cpu_seconds


def visits_by_day(warehouse: Warehouse, days: int) -> list[tuple[str, str]]:
    """A visitor and the time of one of its events, for each of the latest days."""
    with warehouse.connect() as lake:
        return lake.execute(
            """
            select
                min_by(visitor_id, event_id),
                strftime(min_by(event_timestamp, event_id), '%Y-%m-%dT%H:%M:%SZ')
            from lake.analytics.fct_web_events
            group by event_date
            order by event_date desc
            limit ?
            """,
            [days],
        ).fetchall()


def write_late_events(directory: Path, name: str, visits: list[tuple[str, str]]) -> None:
    """One object with an event for each visit."""
    directory.mkdir(parents=True)
    (directory / f"{name}.json").write_text(
        "\n".join(
            json.dumps(
                {
                    "type": "page_view",
                    "anonymousId": visitor,
                    "messageId": f"late-{name}-{number}",
                    "timestamp": at,
                    "properties": {"url": "https://example.com/late"},
                }
            )
            for number, (visitor, at) in enumerate(visits)
        )
    )


if __name__ == "__main__":
    main()
