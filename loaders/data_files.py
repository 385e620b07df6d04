"""Write one Parquet data file of an Iceberg table, in as many steps as its rows need."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime

import pyarrow as pa
from pyiceberg.io.fileformat import FileFormatFactory
from pyiceberg.io.pyarrow import _to_requested_schema
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record

from loaders.errors import LoaderError

_PARQUET = FileFormatFactory.get(FileFormat.PARQUET)


_EPOCH = datetime(1970, 1, 1)


def day_partition(loaded_at: datetime) -> Record:
    """The partition of a table that is partitioned by day(loaded_at): Iceberg stores days since 1970."""
    return Record((loaded_at - _EPOCH).days)


class DataFileWriter:
    """Writes rows to a new file, which belongs to the table once its DataFile is committed."""

    def __init__(self, table: Table, partition: Record, name: str | None = None) -> None:
        """Name the file; it is created by the first write.

        Args:
            table: its schema, properties and default partition spec apply.
            partition: the partition of all rows.
            name: start of the file's name; the rest makes it unique.
        """
        self._table = table
        self._partition = partition
        self._schema = table.schema()
        folder = table.spec().partition_to_path(partition, self._schema)
        file_name = f"{name or 'data'}-{uuid.uuid4()}.parquet"
        location = table.location_provider().new_data_location(
            f"{folder}/{file_name}" if folder else file_name
        )
        self._output = table.io.new_output(location)
        self._writer = _PARQUET.create_writer(self._output, self._schema, table.properties)
        self.row_count = 0

    def write(self, rows: pa.Table) -> None:
        """Append rows, as one row group or more: columns of the table by name, in any order."""
        # Gives the columns, also nested ones, the field ids of the table's schema.
        batches = [
            _to_requested_schema(
                requested_schema=self._schema,
                file_schema=self._schema,
                batch=batch,
                include_field_ids=True,
                format_model=_PARQUET,
            )
            for batch in rows.to_batches()
        ]
        if batches:
            self._writer.write(pa.Table.from_batches(batches))
            self.row_count += len(rows)

    def close(self) -> DataFile:
        """Finish the file; at least one row must have been written.

        Raises:
            LoaderError: the rows have a timestamp whose statistics pyiceberg can't take.
        """
        try:
            statistics = self._writer.close()
        except OverflowError as error:
            raise LoaderError(
                f"{'.'.join(self._table.name())} has timestamps outside of the years 1 to 9999, which "
                f"pyiceberg can't write: let an engine maintain it (--engine)"
            ) from error
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self._output.location,
            file_format=FileFormat.PARQUET,
            partition=self._partition,
            file_size_in_bytes=len(self._output),
            sort_order_id=None,
            spec_id=self._table.spec().spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )

    def discard(self) -> None:
        """Give the file up and remove what is stored of it."""
        if self.row_count:
            with suppress(OverflowError):
                self._writer.close()
            self._table.io.delete(self._output.location)
