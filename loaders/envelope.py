"""The raw envelope: records of an object, and where they came from, as rows of a raw table."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

from loaders.objects import StoredObject
from loaders.records import Record, is_utf8

RAW_SCHEMA = Schema(
    NestedField(1, "payload", StringType(), doc="the record, verbatim"),
    NestedField(
        2, "payload_encoding", StringType(), doc="utf8, or base64 where the bytes are not valid UTF-8"
    ),
    NestedField(3, "parse_error", StringType(), doc="null, or why it is no JSON object"),
    NestedField(4, "source", StringType(), doc="firehose or historical"),
    NestedField(5, "source_uri", StringType(), doc="the object it came from"),
    NestedField(6, "source_etag", StringType(), doc="the version of that object"),
    NestedField(7, "source_position", LongType(), doc="0-based ordinal of the record in the object"),
    NestedField(8, "source_modified_at", TimestampType(), doc="when the object was last modified, UTC"),
    NestedField(9, "batch_id", StringType(), doc="one load commit"),
    NestedField(10, "loaded_at", TimestampType(), doc="when the batch was loaded, UTC"),
)
TIMESTAMP = pa.timestamp("us")
_GROUP_BYTES = 2 << 20
_RECORD_BYTES = 100
"""About what a record takes beside its payload."""
_LARGEST_TABLE_BYTES = 16 << 20


def object_rows(
    chunks: Iterable[pa.StringArray | list[Record]], source: str, stored: StoredObject
) -> Iterator[pa.Table]:
    """Make the rows of an object: all columns of RAW_SCHEMA but those of the batch.

    Args:
        chunks: the records of the object in their order, as `split_records` gives them.
        source: `firehose` or `historical`.
        stored: the object.

    Yields:
        The rows, many at a time however few a chunk has.
    """
    position = 0
    # The columns that are the same in each row can be much larger than short payloads.
    most_rows = _LARGEST_TABLE_BYTES // (len(stored.uri.encode()) + len(stored.etag) + _RECORD_BYTES)
    for group in _grouped(chunks, most_rows):
        columns = [_columns(chunk) for chunk in group]
        payloads, encodings, errors = (
            columns[0] if len(columns) == 1 else map(pa.concat_arrays, zip(*columns, strict=True))
        )
        count = len(payloads)
        yield pa.table(
            {
                "payload": payloads,
                "payload_encoding": encodings,
                "parse_error": errors,
                "source": _constant(source, pa.string(), count),
                "source_uri": _constant(stored.uri, pa.string(), count),
                "source_etag": _constant(stored.etag, pa.string(), count),
                "source_position": pa.array(np.arange(position, position + count)),
                "source_modified_at": _constant(stored.modified_at, TIMESTAMP, count),
            }
        )
        position += count


def batch_rows(rows: pa.Table, batch_id: str, loaded_at: datetime) -> pa.Table:
    """Add the batch's columns to rows of its objects.

    Args:
        rows: of `object_rows`.
        batch_id: the batch.
        loaded_at: when it is loaded, UTC without zone.
    """
    return rows.append_column("batch_id", _constant(batch_id, pa.string(), len(rows))).append_column(
        "loaded_at", _constant(loaded_at, TIMESTAMP, len(rows))
    )


def _grouped(
    chunks: Iterable[pa.StringArray | list[Record]], most_rows: int
) -> Iterator[list[pa.StringArray | list[Record]]]:
    """Small chunks together, since each table costs as much as the splitting of some hundred records."""
    group: list[pa.StringArray | list[Record]] = []
    group_size = rows = 0
    for chunk in chunks:
        for start in range(0, len(chunk), most_rows):
            part = chunk[start : start + most_rows]
            size = part.nbytes if isinstance(part, pa.Array) else _size(part)
            if group and (group_size + size > _GROUP_BYTES or rows + len(part) > most_rows):
                yield group
                group, group_size, rows = [], 0, 0
            group.append(part)
            group_size += size
            rows += len(part)
    if group:
        yield group


def _size(records: list[Record]) -> int:
    return sum(len(record.payload) for record in records) + _RECORD_BYTES * len(records)


def _columns(chunk: pa.StringArray | list[Record]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Payloads, payload encodings and parse errors."""
    if isinstance(chunk, pa.Array):
        return chunk, _constant("utf8", pa.string(), len(chunk)), pa.nulls(len(chunk), pa.string())
    invalid = [record.parse_error is not None and not is_utf8(record.payload) for record in chunk]
    payloads = [
        base64.b64encode(record.payload) if is_invalid else record.payload
        for record, is_invalid in zip(chunk, invalid, strict=True)
    ]
    return (
        # Valid UTF-8 by now: no need for Arrow to look again.
        pa.array(payloads, pa.binary()).view(pa.string()),
        pa.array(["base64" if is_invalid else "utf8" for is_invalid in invalid]),
        pa.array([record.parse_error for record in chunk], pa.string()),
    )


def _constant(value: object, kind: pa.DataType, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
