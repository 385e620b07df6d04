"""Progress of a run: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from loaders.objects import StoredObject

LINE_EVERY_SECONDS = 60.0


class ProgressBar:
    """Context manager that shows a run's progress and its remaining time on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        columns = (
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[objects]} objects left"),
            TimeRemainingColumn(),
        )
        is_terminal = self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not is_terminal)
        self._task: TaskID | None = None
        self._left = self._size = self._done = 0
        self._began = self._last_line = time.monotonic()

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, objects: int, size: int) -> None:
        """Show a bar for this many objects, together this many bytes."""
        self._left, self._size = objects, size
        self._began = self._last_line = time.monotonic()
        self._task = self._bar.add_task("", total=size, objects=f"{objects:,}")

    def finished(self, stored: StoredObject) -> None:
        """Move the bar by one object."""
        if self._task is None:
            return
        self._left -= 1
        self._done += stored.size
        self._bar.update(self._task, advance=stored.size, objects=f"{self._left:,}")
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line >= LINE_EVERY_SECONDS:
            self._last_line = now
            self._console.print(self._line(now - self._began), soft_wrap=True)

    def _line(self, seconds: float) -> str:
        remaining = seconds * (self._size - self._done) / self._done if self._done else 0
        return (
            f"{self._done / 1e6:,.0f} of {self._size / 1e6:,.0f} MB, {self._left:,} objects left, "
            f"about {timedelta(seconds=round(remaining))}"
        )
