"""Run an iterator in a thread of its own, some items ahead of its consumer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Iterates over what a source yields; an error of the source is raised where its item would have come.

    A context manager: leaving it ends the thread after the item that it is at.
    """

    _END = object()

    def __init__(self, source: Iterator[T], most: int, size_of: Callable[[T], int]) -> None:
        """Start to read.

        Args:
            source: nobody else may read from it.
            most: items of this size together are waiting or in the consumer's hands at the most. A larger one
                is there alone, and the source goes on once the consumer is done with it.
            size_of: tells the size of an item, for instance in bytes.
        """
        self._source = source
        self._most = most
        self._size_of = size_of
        self._items: deque[tuple[object, int]] = deque()
        self._size = 0
        self._in_hands = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while (item := self._take()) is not self._END:
            if isinstance(item, _Raised):
                raise item.error
            yield item  # type: ignore[misc]

    def __enter__(self) -> ReadAhead[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        try:
            for item in self._source:
                if not self._put(item, self._size_of(item)):
                    return
        except BaseException as error:
            self._put(_Raised(error), 0)
        else:
            self._put(self._END, 0)

    def _put(self, item: object, size: int) -> bool:
        """Hand an item over when there is room; False when nobody wants it any more."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or not self._size or self._size + size <= self._most
            )
            self._items.append((item, size))
            self._size += size
            self._changed.notify_all()
            if size > self._most:
                self._changed.wait_for(lambda: self._is_closed or not self._size)
            return not self._is_closed

    def _take(self) -> object:
        """The next item; who asks for it is done with the one before."""
        with self._changed:
            self._size -= self._in_hands
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._items)
            item, self._in_hands = self._items.popleft()
            return item


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
