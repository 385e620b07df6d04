"""Read objects one after the other. Decompressing, splitting and what uses the rows run at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from loaders.envelope import object_rows
from loaders.errors import LoaderError
from loaders.objects import Listing, StoredObject
from loaders.read_ahead import ReadAhead
from loaders.reading import read_blocks, split_records

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
def reading(listing: Listing, objects: Iterable[StoredObject], source: str) -> Iterator[Iterator[Step]]:
    """Context in which objects are read: for each its rows, then Finished or Refused.

    Args:
        listing: opens them.
        objects: what to read, in this order.
        source: `firehose` or `historical`.
    """
    with (
        ReadAhead(_texts(listing, objects), _TEXT_AHEAD_BYTES, _text_bytes) as texts,
        ReadAhead(_steps(iter(texts), source), _ROWS_AHEAD_BYTES, _row_bytes) as steps,
    ):
        yield iter(steps)


@dataclass(frozen=True)
class _End:
    """Of an object's text."""

    error: LoaderError | None = None


def _text_bytes(item: StoredObject | bytes | _End) -> int:
    return len(item) if isinstance(item, bytes) else 0


def _row_bytes(step: Step) -> int:
    return step.rows.nbytes if isinstance(step, Rows) else 0


def _texts(listing: Listing, objects: Iterable[StoredObject]) -> Iterator[StoredObject | bytes | _End]:
    """Yield each object, then its text in blocks, then its end."""
    for stored in objects:
        yield stored
        try:
            with listing.open(stored) as stream:
                yield from read_blocks(stored.uri, stream)
        except LoaderError as error:
            yield _End(error)
        else:
            yield _End()


def _steps(texts: Iterator[StoredObject | bytes | _End], source: str) -> Iterator[Step]:
    for stored in texts:
        assert isinstance(stored, StoredObject)
        text = _Text(texts)
        try:
            for rows in object_rows(split_records(stored.uri, iter(text)), source, stored):
                yield Rows(rows)
            yield Finished(stored, text.size)
        except LoaderError as error:
            text.skip()
            yield Refused(stored, error)


class _Text:
    """The blocks of one object."""

    def __init__(self, texts: Iterator[StoredObject | bytes | _End]) -> None:
        self.size = 0
        self._texts = texts
        self._has_ended = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._has_ended:
            item = next(self._texts)
            if isinstance(item, _End):
                self._has_ended = True
                if item.error:
                    raise item.error
            else:
                assert isinstance(item, bytes)
                self.size += len(item)
                yield item

    def skip(self) -> None:
        """Go to the end of an object whose text is of no use."""
        while not self._has_ended:
            self._has_ended = isinstance(next(self._texts), _End)
