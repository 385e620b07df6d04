"""Maintain tables through pyiceberg: compact them, expire snapshots, remove the files that nothing needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from loaders.catalog import CATALOG_ERRORS, catalog_errors
from loaders.commit import ConflictError, commit
from loaders.errors import LoaderError, one_line
from loaders.maintenance.compaction import TARGET_FILE_BYTES, compact, plan_compaction
from loaders.maintenance.files import (
    TABLE_FOLDERS,
    FilesOfSnapshots,
    StoredFile,
    metadata_files,
    remove,
    same_file,
    stored_files,
)
from loaders.maintenance.rewrite import delete_files

_ATTEMPTS = 5


@dataclass(frozen=True)
class Options:
    """How far maintenance goes."""

    target_file_bytes: int = TARGET_FILE_BYTES
    """Small files are joined up to this size."""
    keep_snapshots: timedelta = timedelta(days=7)
    """Snapshots of the last so long stay readable (time travel); the current one always."""
    keep_orphans: timedelta = timedelta(days=3)
    """Files that no snapshot names are kept so long: a writer may be about to commit them."""
    dry_run: bool = False


@dataclass
class TableReport:
    """What maintenance has done, or in a dry run would do, to one table."""

    table: str
    data_files: int = 0
    delete_files: int = 0
    data_files_after: int = 0
    delete_files_after: int = 0
    snapshots: int = 0
    snapshots_after: int = 0
    files_rewritten: int = 0
    bytes_rewritten: int = 0
    files_removed: int = 0
    """Stored files of expired snapshots, and orphans."""
    bytes_removed: int = 0
    error: LoaderError | None = None

    @property
    def has_changes(self) -> bool:
        return bool(
            self.files_rewritten
            or self.files_removed
            or self.delete_files != self.delete_files_after
            or self.snapshots != self.snapshots_after
        )


def maintain(
    catalog: Catalog, tables: Iterable[tuple[str, ...]], options: Options | None = None
) -> list[TableReport]:
    """Maintain tables of a catalog, one after the other.

    The raw tables' ledger must be complete before their snapshots are expired: see `loading.reconcile`.

    Args:
        catalog: where the tables are.
        tables: identifiers.
        options: how far to go.

    Returns:
        A report for each table; the error of one does not keep the others from it.
    """
    options = options or Options()
    locations = _locations(catalog, names := sorted(tables))
    reports = []
    for name in names:
        report = TableReport(".".join(name))
        reports.append(report)
        others = [location for other, location in locations.items() if other != name]
        with noted(report):
            maintain_table(catalog.load_table(name), report, options, others)
    return reports


def _locations(catalog: Catalog, names: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Where the tables of these tables' namespaces are stored, as far as they can be read."""
    found: dict[tuple[str, ...], str] = {}
    for namespace in {name[:-1] for name in names}:
        with suppress(*CATALOG_ERRORS):
            for name in catalog.list_tables(namespace):
                with suppress(*CATALOG_ERRORS):
                    found[name] = catalog.load_table(name).location().rstrip("/")
    return found


@contextmanager
def noted(report: TableReport) -> Iterator[None]:
    """Keep an error for the report of a table, whatever it is: it must not end the maintenance of others."""
    try:
        with catalog_errors(f"{report.table} can't be maintained"):
            yield
    except LoaderError as error:
        report.error = error
    except Exception as error:
        report.error = LoaderError(f"{report.table} can't be maintained: {one_line(error)}")
        report.error.__cause__ = error


def maintain_table(table: Table, report: TableReport, options: Options, other_locations: list[str]) -> None:
    """Maintain one table.

    Args:
        table: the table.
        report: is filled in as far as it gets.
        options: how far to go.
        other_locations: where the catalog's other tables are stored.

    Raises:
        LoaderError: the table can't be compacted, or its files can't be told from those of other tables.
    """
    now = datetime.now(UTC)
    _check_location(table, other_locations)
    report.data_files, report.delete_files = _file_counts(table)
    report.snapshots = len(table.snapshots())
    compaction = plan_compaction(table, options.target_file_bytes)
    report.files_rewritten = len(compaction.files)
    report.bytes_rewritten = sum(file.file_size_in_bytes for file in compaction.files)
    expired = _expired(table, now - options.keep_snapshots)
    if options.dry_run:
        report.data_files_after = report.data_files - len(compaction.files) + len(compaction.groups)
        report.delete_files_after = report.delete_files - len(compaction.dropped_deletes)
        report.snapshots_after = report.snapshots - len(expired) + compaction.is_needed
    elif compaction.is_needed:
        compact(table, compaction)
        expired = _expired(table, now - options.keep_snapshots)

    stored = {same_file(file.location): file for file in stored_files(table)}
    needless = _files_of_expired(table, expired, stored)
    if not options.dry_run:
        _expire(table, expired)
    # Read again after the files were listed: what has been committed meanwhile is known then.
    table.refresh()
    unnamed = _unnamed(table, stored)
    if not options.dry_run:
        needless &= unnamed
    needless |= {file for file in unnamed if file.modified_at < now - options.keep_orphans}
    report.files_removed = len(needless)
    report.bytes_removed = sum(file.size for file in needless)
    if not options.dry_run:
        remove(table, [file.location for file in needless])
        report.data_files_after, report.delete_files_after = _file_counts(table)
        report.snapshots_after = len(table.snapshots())


def _file_counts(table: Table) -> tuple[int, int]:
    return sum(1 for _ in table.scan().plan_files()), len(delete_files(table))


def _expired(table: Table, cut: datetime) -> list[Snapshot]:
    """Snapshots older than the cut that no branch or tag points to."""
    kept = {reference.snapshot_id for reference in table.metadata.refs.values()}
    oldest = cut.timestamp() * 1000
    return [
        snapshot
        for snapshot in table.snapshots()
        if snapshot.snapshot_id not in kept and snapshot.timestamp_ms < oldest
    ]


def _files_of_expired(
    table: Table, expired: list[Snapshot], stored: dict[str, StoredFile]
) -> set[StoredFile]:
    """The stored files that only these snapshots need."""
    if not expired:
        return set()
    ids = {snapshot.snapshot_id for snapshot in expired}
    files = FilesOfSnapshots(table)
    kept = files.of(snapshot for snapshot in table.snapshots() if snapshot.snapshot_id not in ids)
    names = map(same_file, files.of(expired) - kept)
    return {stored[name] for name in names if name in stored}


def _expire(table: Table, expired: list[Snapshot]) -> None:
    """Take the snapshots out of the table's metadata; whoever commits meanwhile does not matter to them."""

    def left() -> list[int]:
        kept = {reference.snapshot_id for reference in table.metadata.refs.values()}
        known = {snapshot.snapshot_id for snapshot in table.snapshots()} - kept
        return [snapshot.snapshot_id for snapshot in expired if snapshot.snapshot_id in known]

    for _ in range(_ATTEMPTS):
        if not left():
            return
        try:
            commit(
                table,
                lambda copy: copy.maintenance.expire_snapshots().by_ids(left()).commit(),
                lambda: not left(),
            )
            return
        except ConflictError:
            continue
    raise LoaderError(f"{'.'.join(table.name())}: others commit to it all the time, run again")


def _unnamed(table: Table, stored: dict[str, StoredFile]) -> set[StoredFile]:
    """Stored files, given by `same_file`, that neither a snapshot nor the metadata names."""
    named = FilesOfSnapshots(table).of(table.snapshots()) | metadata_files(table)
    needed = {same_file(location) for location in named}
    return {file for name, file in stored.items() if name not in needed}


def _check_location(table: Table, other_locations: list[str]) -> None:
    own = table.location().rstrip("/")
    for other in other_locations:
        if other == own or f"{other}/".startswith(tuple(f"{own}/{folder}/" for folder in TABLE_FOLDERS)):
            raise LoaderError(
                f"{'.'.join(table.name())} can't be maintained: another table is stored at {other}, "
                f"so that its files look like orphans of this one; move one of them"
            )
