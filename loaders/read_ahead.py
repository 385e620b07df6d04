"""Run an iterator in a thread of its own, a few items ahead of its consumer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Iterates over what a source yields; an error of the source is raised where its item would have come.

    A context manager: leaving it ends the thread after the item that it is at.
    """

    _END = object()

    def __init__(self, source: Iterator[T], most: int) -> None:
        """Start to read.

        Args:
            source: nobody else may read from it.
            most: as many items wait for the consumer at the most.
        """
        self._source = source
        self._items: queue.Queue[object] = queue.Queue(most)
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while (item := self._items.get()) is not self._END:
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed.set()
        while self._thread.is_alive():
            try:  # the thread may wait for room
                self._items.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self) -> None:
        try:
            for item in self._source:
                self._items.put(item)
                if self._is_closed.is_set():
                    return
        except BaseException as error:
            self._items.put(_Raised(error))
        else:
            self._items.put(self._END)


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
