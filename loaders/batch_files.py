"""The data files of a batch. Objects are written as they are read; only what was read to its end counts."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from loaders.catalog import catalog_errors
from loaders.commit import Batch, new_batch
from loaders.data_files import DataFileWriter, day_partition
from loaders.envelope import batch_rows

SPOOL_BYTES = 64 << 20
"""Rows of an object are kept in memory up to this size until it is read; a larger one has its own files."""
ROW_GROUP_BYTES = 32 << 20
_FEW_CHUNKS = 100
FILE_BYTES = 1 << 30
"""Rows of one file in memory; compressed it has an eighth or so."""


class BatchFiles:
    """Writes the rows of a batch. Until its files are committed, nobody sees them."""

    def __init__(self, table: Table) -> None:
        """Begin a batch now.

        Args:
            table: the raw table.
        """
        self.batch = new_batch()
        self._table = table
        self._shared = _Files(table, self.batch)
        self._own: _Files | None = None
        self._finished: list[DataFile] = []
        self._spool: list[pa.Table] = []
        self._spooled_bytes = 0

    def write(self, rows: pa.Table) -> None:
        """Take rows of the object that is being read.

        Raises:
            LoaderError: the store does not work.
        """
        if self._own:
            self._own.write(rows)
            return
        self._spool.append(rows)
        self._spooled_bytes += rows.nbytes
        if self._spooled_bytes > SPOOL_BYTES:
            self._own = _Files(self._table, self.batch)
            self._unspool(self._own)

    def end_object(self) -> None:
        """The object was read to its end: its rows belong to the batch.

        Raises:
            LoaderError: the store does not work.
        """
        if self._own:
            self._finished += self._own.close()
            self._own = None
        self._unspool(self._shared)

    def drop_object(self) -> None:
        """The object can't be read to its end: forget its rows.

        Raises:
            LoaderError: the store does not work.
        """
        if self._own:
            self._own.discard()
            self._own = None
        self._spool, self._spooled_bytes = [], 0

    def close(self) -> list[DataFile]:
        """Finish the files; none when the batch has no rows.

        Raises:
            LoaderError: the store does not work.
        """
        self._finished += self._shared.close()
        return self._finished

    def discard(self) -> None:
        """Remove the files of a batch that is not committed.

        Raises:
            LoaderError: the store does not work.
        """
        self.drop_object()
        self._shared.discard()
        with catalog_errors(f"files of batch {self.batch.batch_id} can't be removed"):
            for data_file in self._finished:
                self._table.io.delete(data_file.file_path)

    def _unspool(self, files: _Files) -> None:
        for rows in self._spool:
            files.write(rows)
        self._spool, self._spooled_bytes = [], 0


class _Files:
    """Files one after the other, each with row groups of a fitting size."""

    def __init__(self, table: Table, batch: Batch) -> None:
        self._table = table
        self._batch = batch
        self._finished: list[DataFile] = []
        self._writer: DataFileWriter | None = None
        self._file_bytes = 0
        self._row_group: list[pa.Table] = []
        self._row_group_bytes = 0

    def write(self, rows: pa.Table) -> None:
        self._row_group.append(rows)
        self._row_group_bytes += rows.nbytes
        if self._row_group_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> list[DataFile]:
        """Finish the files and hand them over."""
        self._flush()
        self._finish_file()
        finished, self._finished = self._finished, []
        return finished

    def discard(self) -> None:
        with catalog_errors(f"files of batch {self._batch.batch_id} can't be removed"):
            if self._writer:
                self._writer.discard()
            for data_file in self._finished:
                self._table.io.delete(data_file.file_path)

    def _flush(self) -> None:
        if not self._row_group:
            return
        rows = pa.concat_tables(self._row_group)
        if len(self._row_group) > _FEW_CHUNKS:  # where objects are small
            rows = rows.combine_chunks()
        with catalog_errors(f"batch {self._batch.batch_id} can't be written"):
            if self._writer is None:
                partition = day_partition(self._batch.loaded_at)
                self._writer = DataFileWriter(self._table, partition, self._batch.batch_id)
            self._writer.write(batch_rows(rows, self._batch.batch_id, self._batch.loaded_at))
        self._file_bytes += self._row_group_bytes
        self._row_group, self._row_group_bytes = [], 0
        if self._file_bytes >= FILE_BYTES:
            self._finish_file()

    def _finish_file(self) -> None:
        if self._writer:
            with catalog_errors(f"batch {self._batch.batch_id} can't be written"):
                self._finished.append(self._writer.close())
        self._writer, self._file_bytes = None, 0
