"""`python -m slim`, which `make slim` calls."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click
import duckdb
from rich.console import Console

from loaders.errors import LoaderError, one_line
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.settings import SLIM, Settings
from loaders.steps import step
from slim import base as base_state
from slim import git
from slim.build import Outcome, SlimBuild, drop_slim_schemas
from slim.report import Report


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--base",
    default="main",
    show_default=True,
    help="Branch or commit to compare with, as it was when HEAD left it.",
)
@click.option(
    "--state",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    help="Directory of a manifest.json: compare with its tables instead, in the environment's lakehouse.",
)
@click.option(
    "--report", "to", type=click.Path(dir_okay=False, path_type=Path), help="Also write Markdown there."
)
@click.option(
    "--examples", type=click.IntRange(min=0), default=3, show_default=True, help="Of each column, at most."
)
@click.option("--exclude", multiple=True, help="What dbt leaves out, as in its --exclude.")
@click.option(
    "--events", type=click.IntRange(min=100), default=20_000, show_default=True, help="Of the sample."
)
def main(
    base: str, state: Path | None, to: Path | None, examples: int, exclude: tuple[str, ...], events: int
) -> None:
    """Build what changed since BASE, and what reads it, and show how the data differ.

    The tables go into a schema `slim_<branch>`; those that are not built are read where the base has them.
    The base is built on sample data when it is not there, in a lakehouse of its own (LAKEHOUSE=slim).

    Exit status 1 when something can't be built or a test fails; differences are no failure.
    """
    began = time.monotonic()
    console = Console(soft_wrap=not sys.stdout.isatty())
    label = str(state) if state else base
    try:
        if state:
            outcome = _run(console, Settings.from_environment(), state, examples, exclude)
        else:
            commit = git.beginning(base)
            label = f"{base} ({commit[:7]})"
            os.environ["LAKEHOUSE"] = SLIM
            settings = Settings.from_environment()
            if git.has_changes(commit):
                made = base_state.prepare(console, settings, commit, events, exclude)
                outcome = _run(console, settings, made, examples, exclude)
            else:
                outcome = Outcome()
    except (LoaderError, duckdb.Error) as error:
        outcome = Outcome(failures=[one_line(error)])
    report = Report(label, outcome)
    report.show(console)
    if to:
        to.write_text(report.markdown())
    console.print(f"[dim]{time.monotonic() - began:.0f} s")
    sys.exit(1 if outcome.failures else 0)


def _run(
    console: Console, settings: Settings, state: Path, examples: int, exclude: tuple[str, ...]
) -> Outcome:
    if not (state / "manifest.json").exists():
        raise LoaderError(f"{state} has no manifest.json: name the target folder of a dbt build")
    drop_slim_schemas()
    slim = SlimBuild(settings, state, git.schema_name(), exclude)
    with step(console, "what changed"):
        modified = slim.find_changes()
    if not modified:
        return slim.without_build()
    with step(
        console, f"dbt build of what changed and what reads it, into {os.environ['DBT_SCHEMA']}"
    ) as tell:
        outcome = slim.build(modified, tell)
    with step(console, "comparison"):
        connection = duckdb_session.connect()
        try:
            slim.compare(connection, outcome, examples)
        finally:
            duckdb_session.close(connection)
    return outcome


if __name__ == "__main__":
    main()
