"""Write a table of measured figures into a Markdown file, between its marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_table(
    path: Path, mark: str, columns: Sequence[str], rows: Iterable[Sequence[str]], note: str = ""
) -> None:
    """Put a table in the place of what is between `<!-- mark -->` and `<!-- /mark -->`.

    Args:
        path: the Markdown file.
        mark: the name in the marks.
        columns: the headings; the first column is text, the others are figures.
        rows: the cells.
        note: a sentence below the table.

    Raises:
        SystemExit: the file has no such marks.
    """
    before, begin, rest = path.read_text().partition(f"<!-- {mark} -->\n")
    _, end, after = rest.partition(f"<!-- /{mark} -->")
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the table: '<!-- {mark} -->' and '<!-- /{mark} -->'")
    lines = [
        f"| {' | '.join(columns)} |",
        "|---" + "|---:" * (len(columns) - 1) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
        *(["", note] if note else []),
    ]
    table = "\n".join(lines)
    path.write_text(f"{before}{begin}{table}\n{end}{after}")
