"""`make bench-books`: what the books of a year of five-minute loads cost.

Two lakehouses: one with a single batch, one with `--batches` batches of one event each, five minutes apart.
Both are built; then each gets runs with nothing new and small batches. At last the large one gets `--unbuilt`
batches at once, which it builds in parts. The longest statement of all is told by dbt's own log.
"""

from __future__ import annotations

import re
import shutil
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from figures import show, work_option, write_option
from measured import Measured, measured
from rich.console import Console
from warehouse import Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT

FIVE_MINUTES = timedelta(minutes=5)
COLUMNS = ("what", "one batch", "a year", "ratio", "at most")
EVENT = (
    '{{"type":"page_view","anonymousId":"v{visitor}","messageId":"m{number}","timestamp":"{at}",'
    '"properties":{{"productId":"p{product}","spaceType":"flat","url":"https://example.com/{product}"}}}}'
)


@click.command()
@click.option("--batches", default=105_000, show_default=True, help="Batches of the large history.")
@click.option("--unbuilt", default=10_000, show_default=True, help="Batches to build at once, at the end.")
@click.option("--runs", default=3, show_default=True, help="Runs of each kind; the median counts.")
@work_option("books", "the lakehouses")
@write_option
def main(batches: int, unbuilt: int, runs: int, work: Path, write: Path | None) -> None:
    """Measure runs with nothing new and small batches on both histories; print the figures and ratios."""
    console = Console()
    shutil.rmtree(work, ignore_errors=True)
    last = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=60)
    small, large = Warehouse(work.resolve() / "small"), Warehouse(work.resolve() / "large")
    try:
        load(small, work / "first", 0, last)
        load(large, work / "first", 0, last)
        add_batches(large, 1, batches, last)
        for warehouse in (small, large):
            warehouse.dbt("seed")
            console.print(f"first build: {run(warehouse).seconds:.1f} s")
        rows = []
        for what, count in (("a run with nothing new", 0), ("a batch of 50 events", 50)):
            took = {}
            for name, warehouse in (("small", small), ("large", large)):
                found = []
                for number in range(runs):
                    if count:
                        load(warehouse, work / f"{name}-{number}", 10 + number, last + FIVE_MINUTES, count)
                    found.append(run(warehouse).seconds)
                took[name] = statistics.median(found)
            ratio = f"{took['large'] / took['small']:.2f}"
            rows.append((what, f"{took['small']:.1f} s", f"{took['large']:.1f} s", ratio, "1.3"))
        add_batches(large, batches + 1, unbuilt, last + FIVE_MINUTES * (unbuilt + 1))
        parts = 0
        while waiting(large):
            seconds = run(large, "--vars", f"{{max_records_per_run: {unbuilt // 2}}}").seconds
            parts += 1
            console.print(f"part {parts} of {unbuilt:,} unbuilt batches: {seconds:.1f} s")
        longest = max(longest_statement(warehouse) for warehouse in (small, large))
        rows.append((f"parts in which {unbuilt:,} unbuilt batches were built", "", str(parts), "", ""))
        rows.append(("the longest statement, bytes", "", f"{longest:,}", "", "65,536"))
    finally:
        small.close()
        large.close()
    note = (
        f"A year: {batches:,} batches, five minutes apart. The median of {runs} runs, in seconds of dbt run."
    )
    show(COLUMNS, rows, note, "books table", write)


def run(warehouse: Warehouse, *arguments: str) -> Measured:
    """Run dbt, measured."""
    return measured(["dbt", "run", *arguments], warehouse.environment, PROJECT_ROOT)


def load(warehouse: Warehouse, directory: Path, part: int, at: datetime, count: int = 10) -> None:
    """Load one object of some events through the loader."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [
        EVENT.format(visitor=number % 20, number=f"{part}-{number}", product=number % 50, at=at.isoformat())
        for number in range(count)
    ]
    (directory / f"{part}.json").write_text("\n".join(lines))
    warehouse.load("firehose", directory)


def add_batches(warehouse: Warehouse, first: int, count: int, last: datetime) -> None:
    """Write batches of one event to raw and to the ledger, as so many loads five minutes apart would have."""
    event = re.sub(r"[{]{2}", "{", EVENT).replace("}}", "}")
    for name, column in (
        ("visitor", "visitor"),
        ("number", "number"),
        ("product", "product"),
        ("at", "event_at"),
    ):
        event = event.replace("{" + name + "}", f"' || {column} || '")
    made = f"""
        select
            '{event}' as payload, 'utf8' as payload_encoding, cast(null as varchar) as parse_error,
            'firehose' as source, 's3://landing/' || number as source_uri, 'e' || number as source_etag,
            cast(0 as bigint) as source_position, loaded_at as source_modified_at,
            md5(number::varchar) as batch_id, loaded_at
        from (
            select
                number, number % 5000 as visitor, number % 50 as product, loaded_at,
                strftime(loaded_at, '%Y-%m-%dT%H:%M:%S') as event_at
            from (
                select number, timestamp '{last}' - to_minutes(5 * ({first + count} - number)) as loaded_at
                from range({first}, {first + count}) as numbers (number)
            )
        )
    """
    with warehouse.connect() as lake:
        lake.execute(f"create temp table made as {made}")
        lake.execute("insert into lake.raw.web_events by name select * from made")
        lake.execute(
            """
            insert into lake.raw.load_batches by name
            select
                batch_id, 'web_events' as dataset, source, source_uri, source_etag, source_modified_at,
                cast(300 as bigint) as source_size_bytes, cast(1 as bigint) as record_count,
                cast(0 as bigint) as malformed_count, loaded_at
            from made
            """
        )


def waiting(warehouse: Warehouse) -> int:
    """How many batches no run has taken up."""
    with warehouse.connect() as lake:
        return lake.execute(
            "select count(*) from lake.raw.load_batches "
            "where batch_id not in (select batch_id from lake.analytics_intermediate.int_loaded_objects)"
        ).fetchone()[0]


def longest_statement(warehouse: Warehouse) -> int:
    """The length in bytes of the longest statement in dbt's log."""
    log = Path(warehouse.environment["DBT_LOG_PATH"]) / "dbt.log"
    statements = re.split(r"\n\d\d:\d\d:\d\d|\n\S*\d\d:\d\d:\d\d\.\d+ \[", log.read_text())
    sent = [text for text in statements if "/* {" in text and "dbt_version" in text]
    return max(len(text.encode()) for text in sent)


if __name__ == "__main__":
    main()
