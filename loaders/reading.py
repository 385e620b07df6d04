"""From the bytes of an object to its records, block by block: compression, encoding, format."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
from isal import igzip, isal_zlib

from loaders.csv_records import csv_text, split_csv
from loaders.errors import LoaderError
from loaders.records import Record
from loaders.splitting import split_json

GZIP_MAGIC = b"\x1f\x8b"
BLOCK_BYTES = 4 << 20
"""Large enough for what is done to a block at once to pay, small enough for the processor's cache."""

_CSV_RECORDS = 10_000


def read_blocks(uri: str, stream: BinaryIO) -> Iterator[bytes]:
    """Read an object's text: undo gzip, a byte order mark and UTF-16.

    Args:
        uri: the object, for errors.
        stream: its bytes.

    Yields:
        UTF-8 (or bytes that are not even that), cut anywhere.

    Raises:
        LoaderError: the object is empty, or can't be read to its end: what came before is not to be used.
    """
    blocks = filter(None, _decoded(uri, _decompressed(uri, stream)))
    first = next(blocks, b"")
    if not first:
        raise LoaderError(f"{uri} is empty: remove it or upload it again")
    yield first
    yield from blocks


def split_records(uri: str, blocks: Iterator[bytes]) -> Iterator[pa.StringArray | list[Record]]:
    """Split the text of an object into its records, in their order.

    Args:
        uri: the object; its suffix tells CSV (`.csv`, `.csv.gz`), and errors name it.
        blocks: of `read_blocks`.

    Yields:
        Many records at a time: an array of payloads that are JSON objects, or records of any kind.

    Raises:
        LoaderError: the header of CSV can't be read.
    """
    if not uri.lower().endswith((".csv", ".csv.gz")):
        yield from split_json(uri, blocks)
        return
    records: list[Record] = []
    size = 0
    for record in split_csv(uri, csv_text(io.BufferedReader(_Blocks(blocks), BLOCK_BYTES))):
        records.append(record)
        size += len(record.payload)
        if size >= BLOCK_BYTES or len(records) == _CSV_RECORDS:
            yield records
            records, size = [], 0
    yield records


def _decompressed(uri: str, stream: BinaryIO) -> Iterator[bytes]:
    buffered = io.BufferedReader(stream, BLOCK_BYTES)  # type: ignore[arg-type]
    if not buffered.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC):
        while block := buffered.read(BLOCK_BYTES):
            yield block
        return
    try:
        with igzip.open(buffered) as unzipped:
            while block := unzipped.read(BLOCK_BYTES):
                yield block
    except (EOFError, igzip.BadGzipFile, isal_zlib.error) as error:
        raise LoaderError(
            f"{uri} is a damaged or cut gzip file ({error}): nothing of it was loaded, upload it again"
        ) from error


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


class _Blocks(io.RawIOBase):
    """Blocks as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
