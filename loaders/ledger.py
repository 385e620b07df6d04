"""The ledger `load_batches`: which object version came in with which batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import (
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    LessThanOrEqual,
    StartsWith,
)
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.manifest import DataFile
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

from loaders.catalog import catalog_errors, open_table
from loaders.commit import Batch, ConflictError, append_files, holds_batch, row_count
from loaders.data_files import DataFileWriter, day_partition

LEDGER = "load_batches"
LEDGER_SCHEMA = Schema(
    NestedField(1, "batch_id", StringType(), doc="one load commit"),
    NestedField(2, "dataset", StringType(), doc="the raw table"),
    NestedField(3, "source", StringType(), doc="firehose or historical"),
    NestedField(4, "source_uri", StringType(), doc="the object"),
    NestedField(5, "source_etag", StringType(), doc="the version of the object"),
    NestedField(6, "source_modified_at", TimestampType(), doc="when the object was last modified, UTC"),
    NestedField(7, "source_size_bytes", LongType(), doc="size of the object as stored; null when not known"),
    NestedField(8, "record_count", LongType(), doc="rows of the object in the raw table"),
    NestedField(9, "malformed_count", LongType(), doc="those of them with a parse_error"),
    NestedField(10, "loaded_at", TimestampType(), doc="when the batch was loaded, UTC"),
)

Version = tuple[str, str]
"""(source_uri, source_etag)"""
ENTRY_KEY = ("batch_id", "source_uri", "source_etag")
"""What makes an entry of a dataset one of its own."""


@dataclass(frozen=True)
class LedgerEntry:
    """One object version of a batch: a row of the ledger."""

    batch_id: str
    dataset: str
    source: str
    source_uri: str
    source_etag: str
    source_modified_at: datetime
    source_size_bytes: int | None
    record_count: int
    malformed_count: int
    loaded_at: datetime


def ledger_rows(entries: Iterable[LedgerEntry]) -> pa.Table:
    """Entries as rows of the ledger."""
    return pa.Table.from_pylist([asdict(entry) for entry in entries], schema_to_pyarrow(LEDGER_SCHEMA))


class Ledger:
    """Reads and writes the ledger of a raw namespace.

    Loaders make it when it is missing; what it then lacks, `loaders.rebuild` finds in the raw tables.
    """

    def __init__(self, catalog: Catalog, namespace: str) -> None:
        # The addresses in full, not cut as other texts are: reads of a prefix then leave out most files.
        properties = {"write.metadata.metrics.column.source_uri": "full"}
        self._table = open_table(catalog, namespace, LEDGER, LEDGER_SCHEMA, properties)

    def refresh(self) -> None:
        """Read the current state of the table; what is asked and written refers to it until the next time.

        Raises:
            LoaderError: the ledger can't be read.
        """
        with catalog_errors("the ledger can't be read"):
            self._table.refresh()

    def loaded(self, dataset: str, first_uri: str, last_uri: str) -> set[Version]:
        """Read which versions of the objects between two addresses, inclusive, are loaded into a dataset.

        Raises:
            LoaderError: the ledger can't be read.
        """
        between = And(GreaterThanOrEqual("source_uri", first_uri), LessThanOrEqual("source_uri", last_uri))
        rows = self._scan(And(EqualTo("dataset", dataset), between), "source_uri", "source_etag")
        return set(zip(rows["source_uri"].to_pylist(), rows["source_etag"].to_pylist(), strict=True))

    def uris_since(self, dataset: str, prefix: str, since: datetime | None) -> list[str]:
        """Read the addresses under a prefix that were loaded into a dataset since then, or ever.

        Raises:
            LoaderError: the ledger can't be read.
        """
        condition = And(EqualTo("dataset", dataset), StartsWith("source_uri", prefix))
        if since:
            condition = And(condition, GreaterThanOrEqual("loaded_at", since.isoformat()))
        return self._scan(condition, "source_uri")["source_uri"].to_pylist()

    def holds(self, batch: Batch) -> bool:
        """Whether the entries of a batch are in the ledger.

        Raises:
            LoaderError: the ledger can't be read.
        """
        with catalog_errors("the ledger can't be read"):
            return holds_batch(self._table, batch)

    def record(self, batch: Batch, rows: pa.Table, *, if_unchanged: bool = False) -> None:
        """Write entries in one commit, unless another run that found the batch has written them.

        A file that was written in vain is left to the cleaning of orphans.

        Args:
            batch: the batch, or the latest of several.
            rows: its objects, as the ledger has them.
            if_unchanged: only when nobody has written to the ledger since it was refreshed.

        Raises:
            ConflictError: somebody has.
            LoaderError: the ledger can't be written; the next run makes up for it.
        """
        with catalog_errors(f"batch {batch.batch_id} can't be written to the ledger"):
            files = list(self._written(rows, batch.batch_id))
        while True:
            try:
                append_files(self._table, files, batch)
                return
            except ConflictError:
                if if_unchanged:
                    raise
                if self.holds(batch):
                    return

    def mark(self) -> str | None:
        """Which table the ledger is and how many entries it has; None when its metadata does not tell.

        A raw table notes it with each batch: see `has_lost_entries`.
        """
        snapshot = self._table.current_snapshot()
        rows = row_count(snapshot) if snapshot else 0
        return None if rows is None else f"{self._table.metadata.table_uuid} {rows}"

    def has_lost_entries(self, mark: str | None) -> bool | None:
        """Whether the ledger is another table than at a time before, or has fewer entries; None: unknown.

        Args:
            mark: what `mark` said then.
        """
        now = self.mark()
        if mark is None or now is None:
            return None
        (old_uuid, old_rows), (uuid, rows) = mark.split(), now.split()
        return uuid != old_uuid or int(rows) < int(old_rows)

    def record_count(self, dataset: str) -> int:
        """Sum up how many records of a dataset the ledger knows.

        Raises:
            LoaderError: the ledger can't be read.
        """
        counts = self._scan(EqualTo("dataset", dataset), "record_count")["record_count"]
        return pc.sum(counts, min_count=0).as_py()

    def entries(self, dataset: str) -> pa.Table:
        """Read `ENTRY_KEY` and `record_count` of all entries of a dataset.

        Raises:
            LoaderError: the ledger can't be read.
        """
        names = [*ENTRY_KEY, "record_count"]
        types = schema_to_pyarrow(LEDGER_SCHEMA)
        rows = self._scan(EqualTo("dataset", dataset), *names).select(names)
        return rows.cast(pa.schema([types.field(name) for name in names]))

    def _written(self, rows: pa.Table, name: str) -> Iterator[DataFile]:
        """Write the rows to a file for each day."""
        days = pc.cast(rows["loaded_at"], pa.date32(), safe=False)
        for day in days.unique():
            of_day = rows.filter(pc.equal(days, day))
            writer = DataFileWriter(self._table, day_partition(of_day["loaded_at"][0].as_py()), name)
            writer.write(of_day)
            yield writer.close()

    def _scan(self, condition: BooleanExpression, *columns: str) -> pa.Table:
        with catalog_errors("the ledger can't be read"):
            return self._table.scan(row_filter=condition, selected_fields=columns).to_arrow()
