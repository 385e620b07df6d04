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
from loaders.maintenance.scope import project_namespaces, tables_of


@click.command("maintain")
@click.argument("tables", nargs=-1, metavar="[NAMESPACE.TABLE]...")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--namespace",
    "namespaces",
    multiple=True,
    help="All tables of it, and of no other that is not named; as often as needed.",
)
@click.option(
    "--target", help="The dbt target whose schemas are maintained, with raw; by default that of profiles.yml."
)
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
@click.option(
    "--force", is_flag=True, help="Take a time of 0: breaks what reads or writes the tables at the moment."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def maintain_command(
    tables: tuple[str, ...],
    dry_run: bool,
    namespaces: tuple[str, ...],
    target: str | None,
    keep_snapshots: timedelta,
    keep_orphans: timedelta,
    target_mb: int,
    engine: str,
    force: bool,
    as_json: bool,
) -> None:
    """Join small files and apply deletes, expire snapshots, remove orphan files.

    Of the tables that are named, or of all in the namespaces that are named, else of all in raw and in the
    schemas of the dbt target. What else the catalog has is left alone.

    The rows stay the same, and so do schema, partitions and field ids. It may run beside the loaders; a dbt
    run that changes the same files at the same time fails or makes it fail, so run it when dbt does not.
    """
    if not (force or dry_run) and not (keep_snapshots and keep_orphans):
        raise click.UsageError(
            "--keep-snapshots and --keep-orphans of 0 take files from under those who read or write them: "
            "give a time, or --force when nothing else runs"
        )
    if tables and (namespaces or target):
        raise click.UsageError("name tables, or namespaces, or a dbt target")
    catalog = open_catalog()
    names, reports = [tuple(name.split(".")) for name in tables], []
    if not names:
        spaces = namespaces or project_namespaces(target)
        names, reports = tables_of(catalog, spaces, must_exist=bool(namespaces))
    # Before the snapshots go that a crashed loader's batch would be recognised by.
    if not dry_run and any(name[0] == RAW_NAMESPACE for name in names):
        notes, errors = reconcile(catalog)
        for note in notes:
            click.echo(f"Note: {note}", err=True)
        for dataset, error in errors.items():
            if (RAW_NAMESPACE, dataset) in names:
                names.remove((RAW_NAMESPACE, dataset))
                reports.append(TableReport(f"{RAW_NAMESPACE}.{dataset}", error=error))
    options = Options(
        target_file_bytes=target_mb << 20,
        keep_snapshots=keep_snapshots,
        keep_orphans=keep_orphans,
        dry_run=dry_run,
    )
    if engine == "pyiceberg":
        reports += maintain(catalog, names, options)
    else:
        reports += maintain_by(athena() if engine == "athena" else trino(), catalog, names, options)
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
