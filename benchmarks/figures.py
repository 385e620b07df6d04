"""Show the figures of a benchmark, and write them into a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from markdown_table import write_table
from rich.console import Console
from rich.table import Table

write_option = click.option(
    "--write",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Put the figures into this Markdown file.",
)


def show(
    columns: Sequence[str], rows: Sequence[Sequence[str]], note: str, mark: str, write: Path | None
) -> None:
    """Print a table with a note, and put both between the marks of a Markdown file.

    Args:
        columns: their names.
        rows: a text for each column.
        note: what was measured, on what.
        mark: of `write_table`, where the file has the table.
        write: the file, if any.
    """
    figures = Table(*columns, caption=note)
    for row in rows:
        figures.add_row(*row)
    Console().print(figures)
    if write:
        write_table(write, mark, columns, rows, note)
