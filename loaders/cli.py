"""`python -m loaders …`: the command line."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from loaders.demo import demo
from loaders.duration import Duration
from loaders.errors import LoaderError, one_line
from loaders.firehose_tail import follow, load_tail
from loaders.inspection import inspect_command
from loaders.lakehouse.cli import lakehouse_group
from loaders.lakehouse.sql_shell import connect_command, sql_command
from loaders.lakehouse.trino_cli import trino_group
from loaders.ledger_cli import ledger_group
from loaders.loading import DEFAULT_BATCH_BYTES, DEFAULT_BATCH_SECONDS, BatchSize, run
from loaders.maintenance.cli import maintain_command
from loaders.progress_bar import ProgressBar
from loaders.raw_tables import DATASETS
from loaders.sample import DEFAULT_START, generate_sample
from loaders.summary import Summary
from loaders.unpacking import DEFAULT_MAX_RATIO, RATIO_COUNTS_FROM


class _Group(click.Group):
    """Shows an error as one line; its traceback only with --debug."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            _show_error(error, with_traceback=ctx.params["debug"])
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of errors.")
def main(debug: bool) -> None:
    """Load web events and shop data into the raw tables of the lakehouse."""
    # botocore reads only the second name; the AWS tools in other languages prefer the first.
    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region


main.add_command(lakehouse_group)
main.add_command(trino_group)
main.add_command(ledger_group)
main.add_command(demo)
main.add_command(connect_command)
main.add_command(sql_command)
main.add_command(inspect_command)
main.add_command(maintain_command)


def _load_options(command: Any) -> Any:
    command = click.option(
        "--batch-bytes",
        type=click.IntRange(min=1),
        default=DEFAULT_BATCH_BYTES,
        show_default=True,
        help="Commit when the objects of a batch reach this size, without compression.",
    )(command)
    command = click.option(
        "--batch-time",
        type=Duration(),
        default=f"{DEFAULT_BATCH_SECONDS}s",
        show_default=True,
        help="Commit at least so often.",
    )(command)
    command = click.option(
        "--max-ratio",
        type=click.FloatRange(min=1),
        default=DEFAULT_MAX_RATIO,
        show_default=True,
        help="Refuse an object that unpacks to more than this many times its size, "
        f"where that is more than {RATIO_COUNTS_FROM >> 20} MB.",
    )(command)
    command = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")(command)
    return click.argument("uri")(command)


@main.command()
@_load_options
@click.option(
    "--look-back",
    type=Duration(),
    default="24h",
    show_default=True,
    help="List objects from so long before the latest hour that is loaded: for those that come late.",
)
@click.option("--everything", is_flag=True, help="List all objects, however old.")
@click.option("--follow", "is_following", is_flag=True, help="Go on until stopped by SIGTERM or Ctrl-C.")
@click.option(
    "--poll",
    type=Duration(),
    default="30s",
    show_default=True,
    help="How often --follow looks for new objects; it loads them every --batch-time, or --batch-bytes.",
)
def firehose(
    uri: str,
    batch_bytes: int,
    batch_time: timedelta,
    look_back: timedelta,
    everything: bool,
    is_following: bool,
    poll: timedelta,
    max_ratio: float,
    as_json: bool,
) -> None:
    """Load Firehose output into raw.web_events.

    URI is a file, a directory or s3://bucket/prefix. An object version is loaded once: run it as often as you
    like. Where the folders of the hours (YYYY/MM/DD/HH/) lie right below the URI, listing starts shortly
    before the latest one that is loaded. Local files are read each time to tell whether they have changed.
    Credentials and endpoint of S3 come from the AWS configuration, the catalog from PyIceberg's
    configuration; without one it is the local lakehouse.
    """
    batch_size = BatchSize(batch_bytes, batch_time.total_seconds())
    since = None if everything else look_back
    if is_following:
        _follow(uri, batch_size, since, poll, max_ratio, as_json)
    else:
        _load(lambda progress: load_tail(uri, batch_size, since, max_ratio, progress), as_json)


@main.command()
@_load_options
@click.option(
    "--into",
    type=click.Choice(DATASETS),
    default=DATASETS[0],
    show_default=True,
    help="The raw table.",
)
def historical(
    uri: str, into: str, batch_bytes: int, batch_time: timedelta, max_ratio: float, as_json: bool
) -> None:
    """Load an archive of JSON or CSV files into a raw table.

    URI is a file, a directory or s3://bucket/prefix. CSV is what ends in .csv, also packed (.csv.gz …). An
    object version is loaded once: run it as often as you like, also to go on after a stop. Local files are
    read each time to tell whether they have changed.
    """
    batch_size = BatchSize(batch_bytes, batch_time.total_seconds())
    _load(
        lambda progress: run(
            uri,
            dataset=into,
            source="historical",
            batch_size=batch_size,
            max_ratio=max_ratio,
            progress=progress,
        ),
        as_json,
    )


@main.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Directory to write to."
)
@click.option("--events", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=14, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--start",
    type=click.DateTime(["%Y-%m-%d"]),
    default=DEFAULT_START.isoformat(),
    show_default=True,
    help="The date of day 0.",
)
@click.option(
    "--first-day",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Begin with this day: more days of the same world.",
)
def sample(out: Path, events: int, days: int, seed: int, start: datetime, first_day: int) -> None:
    """Generate sample data with the dirt of real data, and a manifest of what to expect of it."""
    try:
        manifest = generate_sample(
            out, events=events, days=days, seed=seed, start=start.date(), first_day=first_day
        )
    except (OSError, ValueError) as error:
        raise LoaderError(one_line(error)) from error
    click.echo(f"{out}: {manifest.records:,} records of web events, see {out / 'manifest.json'}")


def _load(load: Callable[[ProgressBar], Summary], as_json: bool) -> None:
    with ProgressBar() as progress:
        summary = load(progress)
    _show(summary, as_json)
    if summary.errors:
        sys.exit(1)


def _follow(
    uri: str,
    batch_size: BatchSize,
    look_back: timedelta | None,
    poll: timedelta,
    max_ratio: float,
    as_json: bool,
) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    follow(
        uri,
        stop=stop,
        report=lambda summary: _show(summary, as_json),
        batch_size=batch_size,
        look_back=look_back,
        max_ratio=max_ratio,
        poll_seconds=poll.total_seconds(),
    )


def _show(summary: Summary, as_json: bool) -> None:
    with_traceback = click.get_current_context().find_root().params["debug"]
    for note in summary.notes:
        click.echo(f"Note: {note}", err=True)
    for error in summary.errors:
        _show_error(error, with_traceback=with_traceback)
    click.echo(summary.to_json() if as_json else summary.to_text())


def _show_error(error: Exception, *, with_traceback: bool) -> None:
    if with_traceback:
        traceback.print_exception(error)
    elif isinstance(error, LoaderError):
        click.echo(f"Error: {error}", err=True)
    else:
        hint = "run with --debug (before the command) for the traceback"
        click.echo(f"Error: {type(error).__name__}: {one_line(error)} ({hint})", err=True)
