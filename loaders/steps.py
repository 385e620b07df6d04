"""What a command of several steps tells people while it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.markup import escape

# Where no terminal shows them as they come.
NEWS_EVERY_SECONDS = 15.0


@contextmanager
def step(console: Console, what: str) -> Iterator[Callable[[str], None]]:
    """Say what is being done, and how long it took; yields what takes news of how far it is."""
    began = said = time.monotonic()
    mark = "[red]failed[/]"

    def tell(news: str) -> None:
        nonlocal said
        if status:
            status.update(f"{what} [dim]{escape(news)}[/]")
        elif time.monotonic() - said >= NEWS_EVERY_SECONDS:
            said = time.monotonic()
            console.print(f"      {escape(news)}")

    try:
        with console.status(what) if console.is_terminal else nullcontext() as status:
            yield tell
        mark = "[green]done[/]"
    finally:
        console.print(f"{mark}  {what} [dim]({time.monotonic() - began:.1f} s)[/]")
