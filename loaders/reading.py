"""From the bytes of an object to its records, block by block: packing, encoding, format."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from loaders.csv_records import csv_text, split_csv
from loaders.errors import LoaderError
from loaders.records import Record
from loaders.splitting import split_json
from loaders.unpacking import BLOCK_BYTES, DEFAULT_MAX_RATIO, BlockFile, Text, unpack

_CSV_RECORDS = 10_000
_CSV_NAME = re.compile(r"\.csv(?:\.(?:gz|gzip|zst|zstd|bz2|lz4|snappy|sz))?$", re.IGNORECASE)


def read_texts(uri: str, stream: BinaryIO, size: int, max_ratio: float = DEFAULT_MAX_RATIO) -> Iterator[Text]:
    """Read the texts of an object (one, but for ZIP archives): undo packing, a byte order mark and UTF-16.

    Args:
        uri: the object, for errors.
        stream: its bytes.
        size: how many these are.
        max_ratio: see `unpack`.

    Yields:
        UTF-8 (or bytes that are not even that), cut anywhere, perhaps no block at all.

    Raises:
        LoaderError: the object can't be read to its end, or is no text: what came before is not to be used.
    """
    for text in unpack(uri, stream, size, max_ratio):
        yield Text(text.name, filter(None, _decoded(text.name, text.blocks)))


def split_records(uri: str, blocks: Iterator[bytes]) -> Iterator[pa.StringArray | list[Record]]:
    """Split the text of an object into its records, in their order.

    Args:
        uri: the name of the text; its suffix tells CSV (`.csv`, `.csv.gz` …), and errors have it.
        blocks: of `read_texts`.

    Yields:
        Many records at a time: an array of payloads that are JSON objects, or records of any kind.

    Raises:
        LoaderError: the header of CSV can't be read.
    """
    if not _CSV_NAME.search(uri):
        yield from split_json(uri, blocks)
        return
    records: list[Record] = []
    size = 0
    for record in split_csv(uri, csv_text(io.BufferedReader(BlockFile(blocks), BLOCK_BYTES))):
        records.append(record)
        size += len(record.payload)
        if size >= BLOCK_BYTES or len(records) == _CSV_RECORDS:
            yield records
            records, size = [], 0
    yield records


def _decoded(uri: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-8 without byte order mark; only a byte order mark tells UTF-16."""
    first = next(blocks, b"")
    if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    # A lone surrogate becomes invalid UTF-8, which costs its record only, not the object.
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    try:
        yield decoder.decode(first).encode("utf-8", "surrogatepass")
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise LoaderError(
            f"{uri} is a cut UTF-16 file ({error.reason}): nothing of it was loaded, upload it again"
        ) from error
