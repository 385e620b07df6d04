"""OPTIMIZE: which partitions Athena rewrites, and what Trino is told to rewrite just these.

The table's own properties decide, as in CREATE TABLE AS of the user guide:
https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from pyiceberg.table import FileScanTask, Table
from pyiceberg.transforms import DayTransform, IdentityTransform

from athena_endpoint.rules import NotPlayed

# "Defaults to 512 MB"; "0.75 times", "1.8 times the value of write_target_data_file_size_bytes".
_TARGET_BYTES = 512 << 20
_SMALL, _LARGE = 0.75, 1.8
_DEFAULT_DATA_FILES, _DEFAULT_DELETE_FILES = 5, 2


def optimize_steps(table: Table, name: str, where: str) -> list[str]:
    """What Trino is told for OPTIMIZE of a table.

    Args:
        table: as it is.
        name: its name in Trino's SQL.
        where: the statement's own condition, empty without one.
    """

    def rewrite(condition: str) -> str:
        return f"alter table {name} execute optimize(file_size_threshold => '{small >> 20}MB') {condition}"

    target = int(table.properties.get("write_target_data_file_size_bytes", _TARGET_BYTES))
    small = int(table.properties.get("optimize_rewrite_min_data_file_size_bytes", _SMALL * target))
    large = int(table.properties.get("optimize_rewrite_max_data_file_size_bytes", _LARGE * target))
    data_files = int(table.properties.get("optimize_rewrite_data_file_threshold", _DEFAULT_DATA_FILES))
    deletes = int(table.properties.get("optimize_rewrite_delete_file_threshold", _DEFAULT_DELETE_FILES))

    partitions: dict[tuple[Any, ...], list[FileScanTask]] = defaultdict(list)
    for task in table.scan().plan_files():
        partitions[tuple(task.file.partition)].append(task)
    eligible, left = [], False
    for values, tasks in partitions.items():
        unfit = [task for task in tasks if not small <= task.file.file_size_in_bytes <= large]
        deleted = [task for task in tasks if len(task.delete_files) >= deletes]
        if len({id(task) for task in (*unfit, *deleted)}) >= data_files or deleted:
            eligible.append(values)
        else:
            left = left or len(unfit) > 1 or any(task.delete_files for task in tasks)
    if not left:
        return [rewrite(where)] if eligible else []
    return [rewrite(_both(where, " and ".join(_conditions(table, values)))) for values in eligible]


def _both(where: str, condition: str) -> str:
    return f"where {condition} and ({where.strip()[len('where') :]})" if where else f"where {condition}"


def _conditions(table: Table, values: tuple[Any, ...]) -> Iterator[str]:
    """What holds for the rows of one partition, and for no others."""
    for field, value in zip(table.spec().fields, values, strict=True):
        column = f'"{table.schema().find_column_name(field.source_id)}"'
        if value is None:
            yield f"{column} is null"
        elif isinstance(field.transform, DayTransform):
            day = date(1970, 1, 1) + timedelta(days=value)
            yield f"{column} >= timestamp '{day} 00:00:00'"
            yield f"{column} < timestamp '{day + timedelta(1)} 00:00:00'"
        elif isinstance(field.transform, IdentityTransform):
            yield f"{column} = {_literal(table, field.source_id, value)}"
        else:
            raise NotPlayed(f"OPTIMIZE of single partitions by {field.transform}")


def _literal(table: Table, column: int, value: Any) -> str:
    kind = str(table.schema().find_type(column))
    if kind == "date":
        return f"date '{date(1970, 1, 1) + timedelta(days=value)}'"
    if kind == "string":
        return "'" + value.replace("'", "''") + "'"
    if kind in ("int", "long", "boolean"):
        return str(value).lower()
    raise NotPlayed(f"OPTIMIZE of single partitions by a column of type {kind}")
