"""From the bytes of an object to its records, whatever the compression, encoding and format."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator

from loaders.csv_records import split_csv
from loaders.errors import LoaderError
from loaders.records import Record
from loaders.splitting import split_json

GZIP_MAGIC = b"\x1f\x8b"


def read_records(uri: str, content: bytes) -> tuple[int, Iterator[Record]]:
    """Open an object's content: undo gzip and a byte order mark, then split it.

    Args:
        uri: the object; its suffix tells CSV (`.csv`, `.csv.gz`), and errors name it.
        content: the object's bytes.

    Returns:
        The number of bytes without compression, and the records in the order of the object.

    Raises:
        LoaderError: the object is empty or can't be read as a whole. Nothing is known of its records then.
    """
    data = _decoded(uri, _decompressed(uri, content))
    if not data:
        raise LoaderError(f"{uri} is empty: remove it or upload it again")
    is_csv = uri.lower().endswith((".csv", ".csv.gz"))
    return len(data), split_csv(uri, data) if is_csv else split_json(data)


def _decompressed(uri: str, content: bytes) -> bytes:
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise LoaderError(
            f"{uri} is a damaged or cut gzip file ({error}): nothing of it was loaded, upload it again"
        ) from error


def _decoded(uri: str, data: bytes) -> bytes:
    """UTF-8 without byte order mark; only a byte order mark tells UTF-16."""
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    try:
        # A lone surrogate becomes invalid UTF-8, which costs its record only, not the object.
        return data.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise LoaderError(
            f"{uri} is a cut UTF-16 file ({error.reason}): nothing of it was loaded, upload it again"
        ) from error
