"""`python -m loaders demo`: sample data through both loaders and dbt, then a report for people.

The first run makes two weeks of events; each further run makes the next three days of the same world, loads
them and builds incrementally. It has a lakehouse of its own: see LAKEHOUSE in `Settings.from_environment`.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.settings import DEMO, PROJECT_ROOT, Settings
from loaders.loading import run
from loaders.sample import DEFAULT_START, Manifest, generate_sample

SEED = 2026
FIRST_DAYS, FIRST_EVENTS = 14, 200_000
NEXT_DAYS = 3
# Where no terminal shows them as they come.
NEWS_EVERY_SECONDS = 15.0

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
    with _step(console, f"sample of {window.events:,} events"):
        manifest = generate_sample(
            sample, events=window.events, days=window.days, seed=SEED, first_day=window.first_day
        )
    loads = _load(console, sample)
    with _step(console, "dbt build: models and their tests") as tell:
        _dbt_build(tell)
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


@contextmanager
def _step(console: Console, what: str) -> Iterator[Callable[[str], None]]:
    """Say what is being done, and how long it took; yields what takes news of how far it is."""
    began = said = time.monotonic()
    mark = "[red]failed[/]"

    def tell(news: str) -> None:
        nonlocal said
        if status:
            status.update(f"{what} [dim]{escape(news)}[/]")
        elif time.monotonic() - said >= NEWS_EVERY_SECONDS:
            said = time.monotonic()
            console.print(f"      {escape(news)}")

    try:
        with console.status(what) if console.is_terminal else nullcontext() as status:
            yield tell
        mark = "[green]done[/]"
    finally:
        console.print(f"{mark}  {what} [dim]({time.monotonic() - began:.1f} s)[/]")


def _load(console: Console, sample: Path) -> list[tuple[str, Any]]:
    """Run both loaders over what the sample holds; returns (what, summary) pairs."""
    parts = [("historical", "archive", "web_events"), ("firehose", "firehose", "web_events")]
    parts += [("historical", dataset, dataset) for dataset in ("products", "transactions", "reviews")]
    loads = []
    for source, folder, dataset in parts:
        if not (sample / folder).exists():
            continue
        with _step(console, f"loader {source}: {folder} into raw.{dataset}"):
            summary = run(str(sample / folder), dataset=dataset, source=source)
            if summary.errors:
                raise LoaderError(str(summary.errors[0]))
        loads.append((f"{source}, {folder}", summary))
    return loads


def _dbt_build(tell: Callable[[str], None]) -> None:
    """Run dbt in this process, its output in dbt's log only; without unit tests, which look at no data.

    Args:
        tell: hears of each model and test that is done.

    Raises:
        LoaderError: a model or test failed.
    """
    from dbt.cli.main import dbtRunner

    done = itertools.count(1)

    def hear(event: Any) -> None:
        if event.info.name == "NodeFinished":
            tell(f"{next(done)} models and tests done, {event.data.node_info.node_name}")

    options = ["--target", "local", "--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT)]
    arguments = ["--quiet", "build", "--exclude-resource-type", "unit_test", *options]
    result = dbtRunner(callbacks=[hear]).invoke(arguments)
    if not result.success:
        failed = [
            str(r.node.name) for r in getattr(result.result, "results", []) if r.status in ("error", "fail")
        ]
        what = ", ".join(failed[:5]) or str(result.exception)
        raise LoaderError(f"dbt build failed: {what}; see logs/dbt.log")


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
