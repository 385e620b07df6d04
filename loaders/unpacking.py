"""From an object as it is stored to the texts in it: packing of all kinds is undone, twice at the most."""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import cramjam
import pyarrow as pa
from isal import igzip, isal_zlib

from loaders.errors import LoaderError, one_line
from loaders.object_kinds import binary_kind, packing_of
from loaders.objects import is_marker
from loaders.snappy_streams import Source, framed_blocks, hadoop_blocks

BLOCK_BYTES = 4 << 20
"""Large enough for what is done to a block at once to pay, small enough for the processor's cache."""
DEFAULT_MAX_RATIO = 250
"""Events pack to a twentieth or a hundredth of their size; gzip can't get below a thousandth."""
RATIO_COUNTS_FROM = 256 << 20
"""Bytes that any object may unpack to: twice what Firehose buffers."""

_MOST_PACKINGS = 2
_SPOOL_BYTES = 32 << 20
_MEMBERS_BYTES = 8 << 20
_ENCRYPTED = 1
_OFFICE_MEMBER = "[Content_Types].xml"
# Of the damage that each library finds.
_DAMAGED = (
    EOFError,
    OSError,
    isal_zlib.error,
    zlib.error,
    cramjam.DecompressionError,
    zipfile.BadZipFile,
    NotImplementedError,
)


@dataclass(frozen=True)
class Text:
    """What an object holds, or a member of a ZIP archive."""

    name: str
    """The object's address; of a member with `!/` and its name behind."""
    blocks: Iterator[bytes]
    """Its bytes, cut anywhere; to be read before the next text is asked for."""


def unpack(uri: str, stream: BinaryIO, size: int, max_ratio: float = DEFAULT_MAX_RATIO) -> Iterator[Text]:
    """Undo the packing of an object, told by its bytes: gzip, zstd, bz2, LZ4, Snappy (framed, Hadoop's), ZIP.

    A ZIP archive has a text for each member, in its order; directories, empty members and markers (see
    `is_marker`) are left out.

    Args:
        uri: the object, for errors.
        stream: its bytes.
        size: how many these are.
        max_ratio: more than this many times its size is not unpacked, once it is RATIO_COUNTS_FROM.

    Raises:
        LoaderError: the object can't be read to its end, or is no text: what came before is not to be used.
    """
    budget = _Budget(uri, size, max_ratio)
    yield from _texts(uri, io.BufferedReader(stream, BLOCK_BYTES), budget, ())  # type: ignore[arg-type]


def _texts(name: str, source: Source, budget: _Budget, packings: tuple[str, ...]) -> Iterator[Text]:
    first = source.read(BLOCK_BYTES)
    packing = packing_of(first)
    if packing is None:
        if kind := binary_kind(first):
            raise LoaderError(f"{name} is {kind}: nothing of it was loaded, bring it as JSON or CSV in UTF-8")
        yield Text(name, chain((first,), _blocks(source)) if first else iter(()))
        return
    packings = (*packings, packing)
    if len(packings) > _MOST_PACKINGS:
        raise LoaderError(
            f"{name} is packed more than twice ({' in '.join(reversed(packings))}): "
            "nothing of it was loaded, unpack it first"
        )
    packed = _Joined(first, source)
    if packing == "ZIP":
        yield from _members(name, packed, budget, packings)
    else:
        with _damage_of(name, packing):
            unpacked = _UNPACKERS[packing](packed)
        yield from _texts(name, _Unpacked(name, packing, unpacked, budget), budget, packings)


def _members(name: str, packed: Source, budget: _Budget, packings: tuple[str, ...]) -> Iterator[Text]:
    """Yield the texts of a ZIP archive, which is kept in a temporary file: its directory is at its end."""
    with _Spool(max_size=_SPOOL_BYTES) as spool:
        try:
            shutil.copyfileobj(packed, spool, BLOCK_BYTES)  # type: ignore[misc]
        except OSError as error:
            raise LoaderError(
                f"{name} can't be unpacked in {tempfile.gettempdir()} ({error.strerror}): make room there"
            ) from error
        with _damage_of(name, "ZIP"):
            archive = zipfile.ZipFile(spool)  # type: ignore[arg-type]
        members = archive.infolist()
        if any(member.filename == _OFFICE_MEMBER for member in members):
            raise LoaderError(f"{name} is an Office document: nothing of it was loaded, export it as CSV")
        for member in members:
            if is_marker(member.filename, member.file_size):
                continue
            member_name = f"{name}!/{''.join(c if c.isprintable() else '?' for c in member.filename)}"
            if member.flag_bits & _ENCRYPTED:
                raise LoaderError(
                    f"{member_name} is encrypted: nothing of the archive was loaded, unpack it first"
                )
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise LoaderError(
                    f"{member_name} is packed by method {member.compress_type} of ZIP: "
                    "nothing of the archive was loaded, only what is stored or deflated can be"
                )
            with _damage_of(member_name, "ZIP"):
                opened = archive.open(member)
            yield from _texts(member_name, _Unpacked(member_name, "ZIP", opened, budget), budget, packings)


def _blocks(source: Source) -> Iterator[bytes]:
    while block := source.read(BLOCK_BYTES):
        yield block


@contextmanager
def _damage_of(name: str, packing: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise LoaderError(
            f"{name} is a damaged or cut {packing} file ({one_line(error)}): nothing of it was loaded, "
            "upload it again"
        ) from error


class _Budget:
    """How far an object may unpack, all members and layers together."""

    def __init__(self, uri: str, size: int, max_ratio: float) -> None:
        self._uri = uri
        self._max_ratio = max_ratio
        self._left = max(RATIO_COUNTS_FROM, int(size * max_ratio))

    def spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise LoaderError(
                f"{self._uri} unpacks to more than {self._max_ratio:g} times its size, as a ZIP bomb does: "
                "nothing of it was loaded; if it is sound, raise --max-ratio"
            )


class _Unpacked:
    """What a file is packed into; tells damage by the name of the object, and how far it unpacks."""

    def __init__(self, name: str, packing: str, file: Source, budget: _Budget) -> None:
        self._name = name
        self._packing = packing
        self._file = file
        self._budget = budget

    def read(self, size: int, /) -> bytes:
        with _damage_of(self._name, self._packing):
            block = self._file.read(size)
        self._budget.spend(len(block))
        return block


class _Joined(io.RawIOBase):
    """A file that begins with what was already read of it."""

    def __init__(self, first: bytes, rest: Source) -> None:
        self._first = io.BytesIO(first)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = BLOCK_BYTES, /) -> bytes:
        """Return so many bytes, fewer only at the end."""
        block = self._first.read(size)
        return block if len(block) == size else block + self._rest.read(size - len(block))

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class BlockFile(io.RawIOBase):
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


class _Spool(tempfile.SpooledTemporaryFile):
    """A temporary file in which zipfile does not read a directory that would fill the memory."""

    def read(self, *size: int) -> bytes:  # type: ignore[override]
        if size and size[0] > _MEMBERS_BYTES:
            raise zipfile.BadZipFile("it has too many members")
        return super().read(*size)


def _stream_of_arrow(file: _Joined, codec: str) -> Source:
    return pa.CompressedInputStream(pa.PythonFile(file, "r"), codec)


def _file_of_blocks(blocks: Iterator[bytes]) -> Source:
    return io.BufferedReader(BlockFile(blocks), BLOCK_BYTES)  # type: ignore[arg-type]


_UNPACKERS: dict[str, Callable[[_Joined], Source]] = {
    "gzip": igzip.open,
    "zstd": lambda file: _stream_of_arrow(file, "zstd"),
    "bz2": lambda file: _stream_of_arrow(file, "bz2"),
    "lz4": lambda file: _stream_of_arrow(file, "lz4"),
    "Snappy": lambda file: _file_of_blocks(framed_blocks(file)),
    "Hadoop-Snappy": lambda file: _file_of_blocks(hadoop_blocks(file)),
}
