"""The ledger `load_batches`: which object version came in with which batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import EqualTo
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

from loaders.catalog import catalog_errors, open_table
from loaders.commit import ConflictError, append_batch

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
    NestedField(10, "loaded_at", TimestampType(), doc="when the batch was committed, UTC"),
)

Version = tuple[str, str]
"""(source_uri, source_etag)"""


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


class Ledger:
    """Reads and writes the ledger of a raw namespace."""

    def __init__(self, catalog: Catalog, namespace: str) -> None:
        self._table = open_table(catalog, namespace, LEDGER, LEDGER_SCHEMA)

    def loaded(self, dataset: str) -> tuple[set[Version], set[str]]:
        """Read the object versions and the batch ids that are loaded into a dataset.

        Raises:
            LoaderError: the ledger can't be read.
        """
        with catalog_errors("the ledger can't be read"):
            self._table.refresh()
            rows = self._table.scan(
                row_filter=EqualTo("dataset", dataset),
                selected_fields=("source_uri", "source_etag", "batch_id"),
            ).to_arrow()
        versions = zip(rows["source_uri"].to_pylist(), rows["source_etag"].to_pylist(), strict=True)
        return set(versions), set(rows["batch_id"].unique().to_pylist())

    def record(self, entries: list[LedgerEntry]) -> None:
        """Write the entries of one batch, unless another run that found the batch has written them.

        Raises:
            LoaderError: the ledger can't be written; the next run makes up for it.
        """
        first = entries[0]
        rows = pa.Table.from_pylist([asdict(entry) for entry in entries], schema_to_pyarrow(LEDGER_SCHEMA))
        while True:
            try:
                append_batch(self._table, rows, first.batch_id, first.loaded_at.isoformat())
                return
            except ConflictError:
                continue  # the table is refreshed: append_batch sees whether the batch is in it now
