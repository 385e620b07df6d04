"""`python -m loaders maintain`: keep files, snapshots and metadata few."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from loaders.catalog import RAW_NAMESPACE, open_catalog
from loaders.duration import Duration
from loaders.loading import reconcile
from loaders.maintenance.engines import athena, maintain_by, trino
from loaders.maintenance.run import Options, TableReport, maintain


@click.command("maintain")
@click.argument("tables", nargs=-1, metavar="[NAMESPACE.TABLE]...")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--keep-snapshots",
    type=Duration(),
    default="7d",
    show_default=True,
    help="Time travel reaches back so far.",
)
@click.option(
    "--keep-orphans",
    type=Duration(),
    default="3d",
    show_default=True,
    help="Files that no snapshot names are kept so long; must exceed the longest load or dbt run.",
)
@click.option(
    "--target-mb",
    type=click.IntRange(min=1),
    default=Options.target_file_bytes >> 20,
    show_default=True,
    help="Join small files up to this size; Athena has its own.",
)
@click.option(
    "--engine",
    type=click.Choice(["pyiceberg", "athena", "trino"]),
    default="pyiceberg",
    show_default=True,
    help="What does the work: this process, or an engine by its own statements (where tables are large).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def maintain_command(
    tables: tuple[str, ...],
    dry_run: bool,
    keep_snapshots: timedelta,
    keep_orphans: timedelta,
    target_mb: int,
    engine: str,
    as_json: bool,
) -> None:
    """Join small files and apply deletes, expire snapshots, remove orphan files: of all tables or the named.

    The rows stay the same, and so do schema, partitions and field ids. It may run beside the loaders; a dbt
    run that changes the same files at the same time fails or makes it fail, so run it when dbt does not.
    """
    catalog = open_catalog()
    names = [tuple(name.split(".")) for name in tables] or None
    # Before the snapshots go that a crashed loader's batch would be recognised by.
    if not dry_run and (names is None or any(name[0] == RAW_NAMESPACE for name in names)):
        reconcile(catalog)
    options = Options(
        target_file_bytes=target_mb << 20,
        keep_snapshots=keep_snapshots,
        keep_orphans=keep_orphans,
        dry_run=dry_run,
    )
    if engine == "pyiceberg":
        reports = maintain(catalog, names, options)
    else:
        reports = maintain_by(athena() if engine == "athena" else trino(), catalog, names, options)
    for report in reports:
        if report.error:
            click.echo(f"Error: {report.error}", err=True)
    if as_json:
        click.echo(json.dumps([_as_dict(report) for report in reports]))
    else:
        _print(reports, dry_run=dry_run)
    if any(report.error for report in reports):
        raise SystemExit(1)


def _as_dict(report: TableReport) -> dict[str, Any]:
    return {**asdict(report), "error": str(report.error) if report.error else None}


def _print(reports: list[TableReport], *, dry_run: bool) -> None:
    if dry_run:
        click.echo("dry run: nothing was changed")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(
        ("table", "data files", "delete files", "snapshots", "rewritten", "removed")
    ):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    idle = 0
    for report in reports:
        if report.error:
            continue
        if not report.has_changes:
            idle += 1
            continue
        table.add_row(
            report.table,
            _change(report.data_files, report.data_files_after),
            _change(report.delete_files, report.delete_files_after),
            _change(report.snapshots, report.snapshots_after),
            _size(report.files_rewritten, report.bytes_rewritten),
            _size(report.files_removed, report.bytes_removed),
        )
    if table.rows:
        Console().print(table)
    click.echo(f"{len(table.rows)} tables maintained, {idle} had nothing to do")


def _change(before: int, after: int) -> str:
    return f"{before:,}" if before == after else f"{before:,} → {after:,}"


def _size(files: int, size: int) -> str:
    return f"{files:,} files, {size / 1e6:,.1f} MB" if files else ""
