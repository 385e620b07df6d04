"""Find what the ledger lacks of a raw table, and derive it from the table's rows.

The rows tell everything of an entry but the size of the object. What they can't tell of are objects without
records: those are read again by the next load, and found empty again.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from loaders.catalog import catalog_errors
from loaders.commit import ConflictError, new_batch
from loaders.ledger import ENTRY_KEY, LEDGER_SCHEMA, Ledger, Version

_KEYS = (*ENTRY_KEY, "source")
# One for each object, but where some of its files were rewritten: those have whole milliseconds.
_TIMES = ("source_modified_at", "loaded_at")
# Counts of so many batches of rows are kept before they are added up.
_COUNTS_AT_ONCE = 200


@dataclass(frozen=True)
class Comparison:
    """What a raw table and the ledger know of each other."""

    missing: pa.Table
    """Rows for the ledger: objects of the raw table that it does not have."""
    without_rows: pa.Table
    """`ENTRY_KEY` of objects with records of which the raw table has no row."""
    objects: int
    """Objects of the raw table."""

    @property
    def missing_batches(self) -> int:
        return len(self.missing["batch_id"].unique())

    def __str__(self) -> str:
        return f"{len(self.missing):,} objects of {self.missing_batches:,} batches"


def rebuild(raw: Table, ledger: Ledger, dataset: str, sizes: dict[Version, int] | None = None) -> Comparison:
    """Write into the ledger what it lacks of a raw table, in one commit.

    Args:
        raw, ledger, dataset, sizes: see `compare`.

    Returns:
        What was missing before.

    Raises:
        LoaderError: one of them can't be read, or the ledger not written.
    """
    while True:
        found = compare(raw, ledger, dataset, sizes)
        if not len(found.missing):
            return found
        try:
            ledger.record(new_batch("rebuild-"), found.missing, if_unchanged=True)
            return found
        except ConflictError:  # maybe by another run that has written the same
            continue


def compare(raw: Table, ledger: Ledger, dataset: str, sizes: dict[Version, int] | None = None) -> Comparison:
    """Compare all rows of a raw table with the ledger.

    Args:
        raw: the table as its state was read.
        ledger: read after it.
        dataset: the table's name in the ledger.
        sizes: see `entries_of`.

    Raises:
        LoaderError: one of them can't be read.
    """
    objects = entries_of(raw, dataset, sizes=sizes)
    known = ledger.entries(dataset)
    key = list(ENTRY_KEY)
    missing = objects.join(known.select(key), key, join_type="left anti")
    with_records = known.filter(pc.greater(known["record_count"], 0)).select(key)
    without_rows = with_records.join(objects.select(key), key, join_type="left anti")
    return Comparison(missing, without_rows, len(objects))


def entries_of(
    raw: Table,
    dataset: str,
    condition: BooleanExpression | None = None,
    sizes: dict[Version, int] | None = None,
) -> pa.Table:
    """Derive rows of the ledger from rows of a raw table.

    Args:
        raw: the table.
        dataset: its name in the ledger.
        condition: which of its rows; by default all.
        sizes: of objects, in bytes, as far as they are known.

    Raises:
        LoaderError: the table can't be read.
    """
    schema = schema_to_pyarrow(LEDGER_SCHEMA)
    counts: list[pa.Table] = []
    with catalog_errors(f"the raw table {dataset} can't be read"):
        scan = raw.scan(
            row_filter=condition or AlwaysTrue(), selected_fields=(*_KEYS, *_TIMES, "parse_error")
        )
        for rows in scan.to_arrow_batch_reader():
            counts.append(_counted(pa.Table.from_batches([rows])))
            if len(counts) > _COUNTS_AT_ONCE:
                counts = [_added_up(counts)]
    if not counts:
        return schema.empty_table()
    found = _added_up(counts)
    versions = zip(found["source_uri"].to_pylist(), found["source_etag"].to_pylist(), strict=True)
    size = [(sizes or {}).get(version) for version in versions]
    found = found.append_column("source_size_bytes", pa.array(size, pa.int64()))
    found = found.append_column("dataset", pa.array([dataset] * len(found), pa.string()))
    return found.select(schema.names).cast(schema)


def _counted(rows: pa.Table) -> pa.Table:
    grouped = rows.group_by(_KEYS).aggregate(
        [([], "count_all"), ("parse_error", "count"), *((time, "max") for time in _TIMES)]
    )
    return _named(grouped, "count_all", "parse_error_count")


def _added_up(counts: list[pa.Table]) -> pa.Table:
    grouped = pa.concat_tables(counts, promote_options="permissive").group_by(_KEYS)
    sums = grouped.aggregate(
        [("record_count", "sum"), ("malformed_count", "sum"), *((time, "max") for time in _TIMES)]
    )
    return _named(sums, "record_count_sum", "malformed_count_sum")


def _named(grouped: pa.Table, records: str, malformed: str) -> pa.Table:
    return grouped.select([*_KEYS, *(f"{time}_max" for time in _TIMES), records, malformed]).rename_columns(
        [*_KEYS, *_TIMES, "record_count", "malformed_count"]
    )
