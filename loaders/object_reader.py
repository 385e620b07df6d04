"""Read objects one after the other. Decompressing, splitting and what uses the rows run at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa

from loaders.envelope import object_rows
from loaders.errors import LoaderError, one_line
from loaders.objects import Listing, StoredObject
from loaders.read_ahead import ReadAhead
from loaders.reading import read_texts, split_records
from loaders.unpacking import DEFAULT_MAX_RATIO

_TEXT_AHEAD_BYTES = 12 << 20
_ROWS_AHEAD_BYTES = 64 << 20
"""More than a row group (`batch_files.ROW_GROUP_BYTES`): splitting goes on while one is compressed."""


@dataclass(frozen=True)
class Rows:
    """Some rows of the object, in its order, with all columns but those of the batch."""

    rows: pa.Table


@dataclass(frozen=True)
class Finished:
    """The object was read to its end."""

    stored: StoredObject
    size: int
    """In bytes, without compression."""


@dataclass(frozen=True)
class Refused:
    """The object can't be read to its end; the rows that came of it are not to be used."""

    stored: StoredObject
    error: LoaderError


Step = Rows | Finished | Refused


@contextmanager
def reading(
    listing: Listing, objects: Iterable[StoredObject], source: str, max_ratio: float = DEFAULT_MAX_RATIO
) -> Iterator[Iterator[Step]]:
    """Context in which objects are read: for each its rows, then Finished or Refused.

    Args:
        listing: opens them.
        objects: what to read, in this order.
        source: `firehose` or `historical`.
        max_ratio: see `unpack`.
    """
    refused: set[StoredObject] = set()
    with (
        ReadAhead(_texts(listing, objects, max_ratio, refused), _TEXT_AHEAD_BYTES, _text_bytes) as texts,
        ReadAhead(_steps(iter(texts), source, refused), _ROWS_AHEAD_BYTES, _row_bytes) as steps,
    ):
        yield iter(steps)


@dataclass(frozen=True)
class _Begin:
    """Of one of an object's texts."""

    name: str


@dataclass(frozen=True)
class _End:
    """Of an object."""

    error: LoaderError | None = None


_Item = StoredObject | _Begin | bytes | _End


def _text_bytes(item: _Item) -> int:
    return len(item) if isinstance(item, bytes) else 0


def _row_bytes(step: Step) -> int:
    return step.rows.nbytes if isinstance(step, Rows) else 0


def _texts(
    listing: Listing, objects: Iterable[StoredObject], max_ratio: float, refused: set[StoredObject]
) -> Iterator[_Item]:
    """Yield each object, of each of its texts the begin and the blocks, and its end, early once refused."""
    for stored in objects:
        yield stored
        try:
            with listing.open(stored) as stream:
                for text in read_texts(stored.uri, stream, stored.size, max_ratio):
                    yield _Begin(text.name)
                    for block in text.blocks:
                        if stored in refused:
                            break
                        yield block
                    if stored in refused:
                        break
        except Exception as error:
            yield _End(_told(stored, error))
        else:
            yield _End()


def _steps(texts: Iterator[_Item], source: str, refused: set[StoredObject]) -> Iterator[Step]:
    for stored in texts:
        assert isinstance(stored, StoredObject)
        object_texts = _Texts(texts)
        try:
            chunks = chain.from_iterable(split_records(name, blocks) for name, blocks in object_texts)
            for rows in object_rows(chunks, source, stored):
                yield Rows(rows)
            yield Finished(stored, object_texts.size)
        except Exception as error:
            refused.add(stored)
            object_texts.skip()
            yield Refused(stored, _told(stored, error))


def _told(stored: StoredObject, error: Exception) -> LoaderError:
    """The error by its object: whatever one object does, the others are loaded."""
    if isinstance(error, LoaderError):
        return error
    told = LoaderError(
        f"{stored.uri} can't be read ({type(error).__name__}: {one_line(error)}): nothing of it was loaded, "
        "run with --debug (before the command) for the traceback"
    )
    told.__cause__ = error
    return told


class _Texts:
    """The texts of one object, as name and blocks."""

    def __init__(self, items: Iterator[_Item]) -> None:
        self.size = 0
        self._items = items
        self._has_ended = False
        self._begin: _Begin | None = None

    def __iter__(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        self._read()
        while self._begin:
            begin, self._begin = self._begin, None
            yield begin.name, self._blocks()

    def skip(self) -> None:
        """Go to the end of an object whose text is of no use."""
        while not self._has_ended:
            self._has_ended = isinstance(next(self._items), _End)

    def _blocks(self) -> Iterator[bytes]:
        while block := self._read():
            self.size += len(block)
            yield block

    def _read(self) -> bytes | None:
        """The next block; None at the end of a text."""
        if self._has_ended or self._begin:
            return None
        item = next(self._items)
        if isinstance(item, bytes):
            return item
        if isinstance(item, _End):
            self._has_ended = True
            if item.error:
                raise item.error
        else:
            assert isinstance(item, _Begin)
            self._begin = item
        return None
