"""Compaction: few large data files without deletes in the place of many small ones, row for row."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import DataFile, DataFileContent
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.sorting import SortDirection

from loaders.commit import ConflictError
from loaders.data_files import DataFileWriter
from loaders.errors import LoaderError
from loaders.maintenance.files import remove
from loaders.maintenance.rewrite import ENTRIES_PER_MANIFEST, commit_rewrite, delete_files, live_manifests

TARGET_FILE_BYTES = 128 << 20

# As in Iceberg's own rewriteDataFiles: a file of three quarters of the target is large enough.
_LARGE_ENOUGH = 0.75
_ROW_GROUP_BYTES = 64 << 20
_ATTEMPTS = 5


@dataclass(frozen=True)
class Compaction:
    """What is to be written anew."""

    groups: list[list[FileScanTask]]
    """Files of one partition each, which become one file (or none, when all of their rows are deleted)."""
    dropped_deletes: set[DataFile]
    """Delete files that concern no other data file."""
    merges_manifests: bool

    @property
    def files(self) -> list[DataFile]:
        return [task.file for group in self.groups for task in group]

    @property
    def is_needed(self) -> bool:
        return bool(self.groups or self.dropped_deletes or self.merges_manifests)


def plan_compaction(table: Table, target_file_bytes: int = TARGET_FILE_BYTES) -> Compaction:
    """Find the files to write anew: those with deleted rows, and small ones that have neighbours to join.

    Files of an older partition spec are left as they are.

    Raises:
        LoaderError: the table has equality deletes, which pyiceberg can't apply.
    """
    deletes = delete_files(table)
    if any(delete.content == DataFileContent.EQUALITY_DELETES for delete in deletes):
        raise LoaderError(f"{_name(table)} has equality deletes: compact it with the engine that wrote them")
    tasks = list(table.scan().plan_files())
    partitions: dict[str, list[FileScanTask]] = defaultdict(list)
    for task in tasks:
        is_small = task.file.file_size_in_bytes < _LARGE_ENOUGH * target_file_bytes
        if task.file.spec_id == table.spec().spec_id and (is_small or task.delete_files):
            partitions[repr(task.file.partition)].append(task)
    groups = [
        group
        for candidates in partitions.values()
        for group in _packed(candidates, target_file_bytes)
        if len(group) > 1 or group[0].delete_files
    ]
    rewritten = {task.file for group in groups for task in group}
    needed = {delete for task in tasks if task.file not in rewritten for delete in task.delete_files}
    return Compaction(groups, deletes - needed, _has_many_manifests(table, len(tasks) + len(deletes)))


def compact(table: Table, compaction: Compaction) -> None:
    """Write the files of a plan anew and commit them.

    Another writer that commits meanwhile costs nothing as long as it leaves these files alone. The new files
    are removed only where the table has told that they are not in it, and can't come into it any more.

    Args:
        table: as it was planned on; afterwards its new state.
        compaction: the plan.

    Raises:
        LoaderError: another writer has changed these files, or commits all the time.
        Others as `commit` does.
    """
    added = [data_file for group in compaction.groups if (data_file := _write_group(table, group))]
    dropped = compaction.dropped_deletes
    for _ in range(_ATTEMPTS):
        try:
            commit_rewrite(table, compaction.files, added, dropped)
            return
        except ConflictError as error:
            logging.getLogger(__name__).debug("compaction of %s: %s", _name(table), error)
        tasks = {task.file: task for task in table.scan().plan_files()}
        if _are_changed(compaction, tasks):
            remove(table, [data_file.file_path for data_file in added])
            raise LoaderError(
                f"{_name(table)} can't be compacted: another writer has changed its files, run again"
            )
        rewritten = set(compaction.files)
        dropped = dropped - {
            delete for file, task in tasks.items() if file not in rewritten for delete in task.delete_files
        }
    remove(table, [data_file.file_path for data_file in added])
    raise LoaderError(f"{_name(table)} can't be compacted: others commit to it all the time, run again")


def _packed(candidates: list[FileScanTask], target_file_bytes: int) -> Iterator[list[FileScanTask]]:
    """Groups of neighbours that reach the target size together, in the order in which they were written."""
    group: list[FileScanTask] = []
    size = 0
    for task in candidates:
        if group and size + task.file.file_size_in_bytes > target_file_bytes:
            yield group
            group, size = [], 0
        group.append(task)
        size += task.file.file_size_in_bytes
    if group:
        yield group


def _has_many_manifests(table: Table, files: int) -> bool:
    return len(live_manifests(table)) > 4 + 2 * math.ceil(files / ENTRIES_PER_MANIFEST)


def _write_group(table: Table, group: list[FileScanTask]) -> DataFile | None:
    writer = DataFileWriter(table, group[0].file.partition, "compacted")
    try:
        for rows in _row_groups(table, group):
            writer.write(rows)
        return writer.close() if writer.row_count else None
    except BaseException:
        writer.discard()
        raise


def _row_groups(table: Table, group: list[FileScanTask]) -> Iterator[pa.Table]:
    scan = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue())
    batches: list[pa.RecordBatch] = []
    size = 0
    sort_keys = _sort_keys(table)
    # One file at a time: the scan keeps all batches of its files in memory.
    for task in group:
        for batch in scan.to_record_batches([task]):
            batches.append(batch)
            size += batch.nbytes
            if not sort_keys and size >= _ROW_GROUP_BYTES:
                yield _joined(batches)
                batches, size = [], 0
    if batches:
        yield _joined(batches).sort_by(sort_keys) if sort_keys else _joined(batches)


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    """One table in one piece; files may differ in the width of their string offsets."""
    tables = [pa.Table.from_batches([batch]) for batch in batches]
    return pa.concat_tables(tables, promote_options="permissive").combine_chunks()


def _sort_keys(table: Table) -> list[tuple[str, str]]:
    """The table's sort order by its columns; what a transform of a column orders, the column orders too."""
    return [
        (
            table.schema().find_column_name(field.source_id) or "",
            "ascending" if field.direction == SortDirection.ASC else "descending",
        )
        for field in table.sort_order().fields
    ]


def _are_changed(compaction: Compaction, tasks: dict[DataFile, FileScanTask]) -> bool:
    """Whether the table has not any more the files of the plan, or not with the same deletes."""
    for group in compaction.groups:
        for task in group:
            now = tasks.get(task.file)
            if now is None or now.delete_files != task.delete_files:
                return True
    return False


def _name(table: Table) -> str:
    return ".".join(table.name())
