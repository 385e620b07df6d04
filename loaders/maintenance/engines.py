"""Maintenance by the statements of an engine: Athena or Trino do the work, where the tables are large."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from loaders.errors import LoaderError, one_line
from loaders.maintenance.compaction import plan_compaction
from loaders.maintenance.rewrite import delete_files
from loaders.maintenance.run import Options, TableReport, noted

# Athena stops a long OPTIMIZE or VACUUM with this, and wants it to be started again.
# https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html
_MORE_RUNS_NEEDED = re.compile(r"ICEBERG_(OPTIMIZE|VACUUM)_MORE_RUNS_NEEDED")
_MOST_RUNS = 100
# Athena takes no smaller vacuum_max_snapshot_age_seconds.
_ATHENA_MINIMUM = timedelta(minutes=1)
# So many files of a partition, or delete files of a data file, and Athena writes anew: by itself 5 and 2.
# https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
_ATHENA_THRESHOLDS = {
    "optimize_rewrite_data_file_threshold": 2,
    "optimize_rewrite_delete_file_threshold": 1,
}
# Trino's own minimum, unless its catalog is configured otherwise.
_TRINO_MINIMUM = timedelta(days=7)
_NAME = re.compile(r"\w+", re.ASCII)


@dataclass(frozen=True)
class Engine:
    """An engine that maintains tables."""

    statements: Callable[[tuple[str, ...], Options], list[str]]
    """For a table, in this order."""
    execute: Callable[[str], None]
    """Runs one statement to its end; raises LoaderError when it fails."""


def maintain_by(
    engine: Engine, catalog: Catalog, tables: Iterable[tuple[str, ...]], options: Options
) -> list[TableReport]:
    """Let an engine maintain tables, one after the other.

    Args:
        engine: does the work.
        catalog: the same tables through pyiceberg, which counts files and snapshots.
        tables: identifiers.
        options: how far to go.

    Returns:
        A report for each table; the error of one does not keep the others from it.
    """
    reports = []
    for name in sorted(tables):
        report = TableReport(".".join(name))
        reports.append(report)
        with noted(report):
            _maintain(engine, catalog.load_table(name), name, options, report)
    return reports


def athena(work_group: str | None = None, staging_dir: str | None = None) -> Engine:
    """Athena's OPTIMIZE and VACUUM, with credentials and region of the AWS configuration.

    Args:
        work_group: by default ATHENA_WORK_GROUP, else `primary`.
        staging_dir: where Athena keeps results; by default ATHENA_STAGING_DIR, else the work group's.
    """
    work_group = work_group or os.environ.get("ATHENA_WORK_GROUP") or "primary"
    staging_dir = staging_dir or os.environ.get("ATHENA_STAGING_DIR")
    output = {"ResultConfiguration": {"OutputLocation": staging_dir}} if staging_dir else {}
    client = boto3.client("athena")

    def execute(sql: str) -> None:
        for _ in range(_MOST_RUNS):
            try:
                started = client.start_query_execution(QueryString=sql, WorkGroup=work_group, **output)
                status = _athena_status(client, started["QueryExecutionId"])
            except (BotoCoreError, ClientError) as error:
                raise LoaderError(f"Athena refuses '{sql}': {one_line(error)}") from error
            if status["State"] == "SUCCEEDED":
                return
            reason = status.get("StateChangeReason", "no reason")
            if not _MORE_RUNS_NEEDED.search(reason):
                raise LoaderError(f"'{sql}' failed in Athena: {reason}")
        raise LoaderError(f"'{sql}' is not done after {_MOST_RUNS} runs in Athena: run again")

    return Engine(_athena_statements, execute)


def trino(catalog: str | None = None) -> Engine:
    """Trino's optimize, expire_snapshots and remove_orphan_files, on the server of target `trino`.

    Args:
        catalog: Trino's name of the catalog, by default TRINO_CATALOG, else `lake`.

    Raises:
        LoaderError: Trino's client is not installed.
    """
    try:
        from trino.dbapi import connect
        from trino.exceptions import Error, TrinoConnectionError
    except ImportError as error:
        raise LoaderError("the package 'trino' is not installed: run 'make trino-up' once") from error
    connection = connect(
        host=os.environ.get("TRINO_HOST") or "127.0.0.1",
        port=int(os.environ.get("TRINO_PORT") or 18400),
        user=os.environ.get("TRINO_USER") or "maintenance",
        http_scheme=os.environ.get("TRINO_HTTP_SCHEME") or "http",
    )
    own = catalog or os.environ.get("TRINO_CATALOG") or "lake"

    def execute(sql: str) -> None:
        try:
            connection.cursor().execute(sql).fetchall()
        except (Error, TrinoConnectionError) as error:
            raise LoaderError(f"'{sql}' failed in Trino: {one_line(error)}") from error

    return Engine(lambda name, options: _trino_statements(own, name, options), execute)


def _maintain(
    engine: Engine, table: Table, name: tuple[str, ...], options: Options, report: TableReport
) -> None:
    statements = engine.statements(name, options)
    plan = plan_compaction(table, options.target_file_bytes)
    before = _data_files(table)
    report.data_files, report.delete_files = len(before), len(delete_files(table))
    report.snapshots = report.snapshots_after = len(table.snapshots())
    report.files_rewritten = len(plan.files)
    report.bytes_rewritten = sum(file.file_size_in_bytes for file in plan.files)
    report.data_files_after = report.data_files - len(plan.files) + len(plan.groups)
    report.delete_files_after = report.delete_files - len(plan.dropped_deletes)
    if options.dry_run:
        return
    for statement in statements:
        engine.execute(statement)
    table.refresh()
    after = _data_files(table)
    report.files_rewritten = len(before.keys() - after.keys())
    report.bytes_rewritten = sum(size for path, size in before.items() if path not in after)
    report.data_files_after, report.delete_files_after = len(after), len(delete_files(table))
    report.snapshots_after = len(table.snapshots())


def _data_files(table: Table) -> dict[str, int]:
    return {task.file.file_path: task.file.file_size_in_bytes for task in table.scan().plan_files()}


def _checked(name: tuple[str, ...]) -> tuple[str, ...]:
    """A table's name for a statement: no text of a catalog goes into SQL unseen."""
    for part in name:
        if not _NAME.fullmatch(part):
            raise LoaderError(f"{'.'.join(name)} can't be maintained: '{part}' is no plain name")
    return name


def _athena_statements(name: tuple[str, ...], options: Options) -> list[str]:
    namespace, table = _checked(name)
    # One age for both: VACUUM removes snapshots, and files that no snapshot names.
    kept = max(options.keep_snapshots, options.keep_orphans, _ATHENA_MINIMUM)
    properties = {"vacuum_max_snapshot_age_seconds": int(kept.total_seconds()), **_ATHENA_THRESHOLDS}
    pairs = ", ".join(f"'{key}' = '{value}'" for key, value in properties.items())
    return [
        f"ALTER TABLE {namespace}.{table} SET TBLPROPERTIES ({pairs})",
        f"OPTIMIZE {namespace}.{table} REWRITE DATA USING BIN_PACK",
        f"VACUUM {namespace}.{table}",
    ]


def _trino_statements(catalog: str, name: tuple[str, ...], options: Options) -> list[str]:
    own, namespace, table = _checked((catalog, *name))
    snapshots = int(max(options.keep_snapshots, _TRINO_MINIMUM).total_seconds())
    orphans = int(max(options.keep_orphans, _TRINO_MINIMUM).total_seconds())
    size = options.target_file_bytes >> 20
    return [
        f"ALTER TABLE {own}.{namespace}.{table} EXECUTE {action}"
        for action in (
            f"optimize(file_size_threshold => '{size}MB')",
            f"expire_snapshots(retention_threshold => '{snapshots}s')",
            f"remove_orphan_files(retention_threshold => '{orphans}s')",
        )
    ]


def _athena_status(client: Any, identifier: str) -> dict[str, Any]:
    wait = 0.2
    while True:
        status = client.get_query_execution(QueryExecutionId=identifier)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"):
            return status
        time.sleep(wait)
        wait = min(wait * 1.5, 10.0)
