"""Rows that are too large for Athena, found in the files of the tables that a statement reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog

from athena_endpoint.rules import Refused

# "The size of a single row or its columns cannot exceed 32 MB."
# https://docs.aws.amazon.com/athena/latest/ug/other-notable-limitations.html
MAXIMUM_ROW_BYTES = 32 << 20


class RowSizes:
    """Looks at each version of a table, and at each file, once.

    Args:
        glue: boto3's client of Glue.
        catalog: pyiceberg's properties of the same Glue catalog.
    """

    def __init__(self, glue: Any, catalog: Mapping[str, str]) -> None:
        self._glue = glue
        self._catalog = catalog
        self._checked_versions: set[str] = set()
        self._checked_files: set[str] = set()

    def check(self, tables: Iterable[tuple[str, str]]) -> None:
        """Refuse to read these tables (schema, name) while one of them has a row that is too large."""
        for schema, name in tables:
            version = self._version(schema, name)
            if version is not None and version not in self._checked_versions:
                self._check(schema, name)
                self._checked_versions.add(version)

    def _version(self, schema: str, name: str) -> str | None:
        try:
            table = self._glue.get_table(DatabaseName=schema, Name=name)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return None
        return table.get("Parameters", {}).get("metadata_location")

    def _check(self, schema: str, name: str) -> None:
        table = load_catalog("row sizes", **self._catalog).load_table((schema, name))
        for task in table.scan().plan_files():
            path = task.file.file_path
            if path in self._checked_files:
                continue
            with table.io.new_input(path).open() as file:
                largest = _largest_row(pq.ParquetFile(file))
            if largest > MAXIMUM_ROW_BYTES:
                raise Refused(
                    "GENERIC_INTERNAL_ERROR", f"a row of {schema}.{name} has {largest} bytes, over 32 MB"
                )
            self._checked_files.add(path)


def _largest_row(file: pq.ParquetFile) -> int:
    """The bytes of text in the largest row; 0 where the file's own counts rule out a row above the limit."""
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    large = [number for number, group in enumerate(groups) if group.total_byte_size > MAXIMUM_ROW_BYTES]
    texts = [
        field.name
        for field in file.schema_arrow
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    largest = 0
    for batch in file.iter_batches(256, row_groups=large, columns=texts) if large else ():
        sizes = sum(
            pc.fill_null(pc.binary_length(column), 0).cast(pa.int64()).to_numpy(False) for column in batch
        )
        largest = max(largest, int(sizes.max()))
    return largest
