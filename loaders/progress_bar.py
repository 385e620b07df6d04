"""Progress on a terminal."""

from __future__ import annotations

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


class ProgressBar:
    """Context manager that shows a run's progress on standard error, if that is a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[objects]} objects left"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None
        self._left = 0

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, objects: int, size: int) -> None:
        """Show a bar for this many objects, together this many bytes."""
        self._left = objects
        self._task = self._bar.add_task("", total=size, objects=f"{objects:,}")

    def finished(self, stored: StoredObject) -> None:
        """Move the bar by one object."""
        if self._task is not None:
            self._left -= 1
            self._bar.update(self._task, advance=stored.size, objects=f"{self._left:,}")
