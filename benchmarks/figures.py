"""Show the figures of a benchmark, and write them into a Markdown file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def work_option(name: str, kept: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option --work of a benchmark: its directory, `.benchmarks/<name>` unless told otherwise.

    Args:
        name: of the benchmark.
        kept: what the directory is for, as the help has it.
    """
    return click.option(
        "--work",
        type=click.Path(path_type=Path),
        default=Path(".benchmarks") / name,
        show_default=True,
        help=f"Directory for {kept}.",
    )


def show(
    columns: Sequence[str], rows: Sequence[Sequence[str]], note: str, mark: str, write: Path | None
) -> None:
    """Print a table with a note, and put both between the marks of a Markdown file.

    Args:
        columns: the headings; the first column is text, the others are figures.
        rows: a text for each column.
        note: what was measured, on what.
        mark: of `write_table`, where the file has the table.
        write: the file, if any.
    """
    figures = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        figures.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    for row in rows:
        figures.add_row(*row)
    Console(width=120).print(figures, f"\n{note}")
    if write:
        write_table(write, mark, columns, rows, note)
