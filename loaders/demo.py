"""`python -m loaders demo`: sample data through both loaders and dbt, then a report for people.

The first run makes two weeks of events; each further run makes the next three days of the same world, loads
them and builds incrementally. It has a lakehouse of its own: see LAKEHOUSE in `Settings.from_environment`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import duckdb
from rich.console import Console
from rich.table import Table

from loaders.dbt_runs import failures, run_dbt
from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.settings import DEMO, Settings
from loaders.sample import DEFAULT_START, Manifest, generate_sample
from loaders.sample.loading import load_sample
from loaders.steps import step

SEED = 2026
FIRST_DAYS, FIRST_EVENTS = 14, 200_000
NEXT_DAYS = 3

# What is shown of each mart: a question, the columns, the order, the number of rows.
MARTS = (
    ("conversion_funnel", "Which products are looked at and bought?", "views desc, product_id", 5),
    ("hourly_revenue", "When does revenue come in?", "event_date desc, event_hour desc", 5),
    ("top_products", "What is looked at most?", "rank", 10),
    ("category_performance", "How do categories do by day?", "event_date desc, event_count desc", 5),
    ("user_activity", "Who was here?", "event_date desc", 5),
)


@dataclass(frozen=True)
class Window:
    """The days that one run of the demo makes."""

    number: int
    first_day: int
    days: int
    events: int


@click.command()
@click.option(
    "--events",
    type=click.IntRange(min=100),
    default=FIRST_EVENTS,
    show_default=True,
    help="Of the first run.",
)
def demo(events: int) -> None:
    """Sample data through both loaders and dbt build, then a report. Run it again for the next days."""
    # What follows, loaders and dbt, works on that one; whatever else the environment chooses does not count.
    os.environ.update(LAKEHOUSE=DEMO, DBT_SCHEMA="analytics")
    console = Console()
    home = Settings.from_environment().sample
    window = _next_window(home, events)
    begin = DEFAULT_START + timedelta(days=window.first_day)
    console.rule(f"[bold]Demo, run {window.number}: {window.days} days from {begin}")

    sample = home / f"run-{window.number}"
    with step(console, f"sample of {window.events:,} events"):
        manifest = generate_sample(
            sample, events=window.events, days=window.days, seed=SEED, first_day=window.first_day
        )
    loads = load_sample(console, sample)
    with step(console, "dbt build: models and their tests") as tell:
        # Without unit tests, which look at no data.
        result = run_dbt(["build", "--exclude-resource-type", "unit_test"], tell)
        if not result.success:
            raise LoaderError(f"dbt build failed: {'; '.join(failures(result)[:5])}; see logs/dbt.log")
    (home / "state.json").write_text(
        json.dumps({"runs": window.number, "days": window.first_day + window.days})
    )
    with duckdb_session.connect() as connection:
        _report(console, connection, loads, _manifests(home, window.number), window, manifest)


def _next_window(home: Path, events: int) -> Window:
    path = home / "state.json"
    if not path.exists():
        return Window(number=1, first_day=0, days=FIRST_DAYS, events=events)
    state = json.loads(path.read_text())
    return Window(
        number=state["runs"] + 1,
        first_day=state["days"],
        days=NEXT_DAYS,
        events=max(100, events * NEXT_DAYS // FIRST_DAYS),
    )


def _manifests(home: Path, runs: int) -> list[Manifest]:
    return [Manifest.read(home / f"run-{number}") for number in range(1, runs + 1)]


def _report(
    console: Console,
    connection: duckdb.DuckDBPyConnection,
    loads: Sequence[tuple[str, Any]],
    manifests: Sequence[Manifest],
    window: Window,
    manifest: Manifest,
) -> None:
    console.rule("[bold]What was loaded")
    table = _table("load", "objects", "records", "malformed", "records/s")
    for what, summary in loads:
        table.add_row(
            what,
            f"{summary.loaded:,}",
            f"{summary.records:,}",
            f"{summary.malformed:,}",
            f"{summary.records_per_second:,.0f}",
        )
    console.print(table)

    console.rule("[bold]What became of it, against the sample's manifest")
    console.print(_account(connection, manifests))

    for name, question, order, rows in MARTS:
        console.rule(f"[bold]{name}[/]  [dim]{question}[/]")
        result = connection.execute(f"select * from lake.analytics.{name} order by {order} limit {rows}")
        table = _table(*(column[0] for column in result.description))
        for row in result.fetchall():
            table.add_row(
                *(
                    "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
                    for value in row
                )
            )
        console.print(table)

    console.rule("[bold]Where to look next")
    console.print(
        "make sql LAKEHOUSE=demo     a shell on these tables\n"
        "make demo                   the next days, built incrementally\n"
        "make docs                   the data dictionary, as a site\n"
        "make status LAKEHOUSE=demo  the demo's lakehouse: its tables and addresses\n"
        "make down LAKEHOUSE=demo    stop it; nothing is lost\n"
        "make reset LAKEHOUSE=demo   start over\n"
        "models/marts                the SQL of every table above\n"
        "docs/own-data.md            your own data, which goes into a lakehouse of its own"
    )


def _account(connection: duckdb.DuckDBPyConnection, manifests: Sequence[Manifest]) -> Table:
    found = connection.execute(
        "select sum(raw_records), sum(events), sum(duplicates), sum(superseded) "
        "from lake.analytics.load_reconciliation"
    ).fetchone()
    reasons = connection.execute(
        "select rejection_reason, count(*) from lake.analytics.rejected_events group by 1 order by 1"
    ).fetchall()
    expected_reasons: dict[str, int] = {}
    for one in manifests:
        for reason, count in one.rejected.items():
            expected_reasons[reason] = expected_reasons.get(reason, 0) + count
    lines = [
        ("records", sum(m.records for m in manifests), found[0]),
        ("events", sum(m.events for m in manifests), found[1]),
        ("duplicates", sum(m.duplicates for m in manifests), found[2]),
        ("superseded", 0, found[3]),
    ]
    lines += [
        (f"rejected: {reason}", expected_reasons.get(reason, 0), dict(reasons).get(reason, 0))
        for reason in sorted(expected_reasons.keys() | dict(reasons).keys())
    ]
    table = _table("", "manifest", "lakehouse", "")
    for what, expected, actual in lines:
        table.add_row(
            what,
            f"{expected:,}",
            f"{int(actual):,}",
            "[green]equal[/]" if expected == actual else "[red]differs[/]",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(_header(column), justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _header(column: str, width: int = 10) -> str:
    """A long name in lines, cut at its underscores: the tables must fit 80 characters."""
    lines = [""]
    for part in column.replace("_", "_ ").split():
        if len(lines[-1]) + len(part) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
