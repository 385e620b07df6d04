"""What a slim build found, as tables on a terminal and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slim.build import Outcome
from slim.compare import Comparison

_HEADERS = ("table", "rows", "added", "removed", "changed", "by")
_LONGEST_VALUE = 60
# GitHub takes 65,536 characters in a comment.
_LONGEST_MARKDOWN = 60_000


@dataclass(frozen=True)
class Report:
    """An outcome, and what it is compared with."""

    base: str
    outcome: Outcome

    @property
    def headline(self) -> str:
        """One sentence."""
        one = self.outcome
        if one.failures and not (one.compared or one.new):
            return f"The slim build failed ({_count(len(one.failures), 'error')}), beside {self.base}"
        if not (one.compared or one.new or one.removed or one.tests or one.failures):
            return f"Nothing changed that dbt builds, beside {self.base}"
        parts = [
            f"{_count(len(one.compared) + len(one.new), 'table')} built",
            f"{len(self.different)} with other data",
            _count(one.tests, "test"),
        ]
        if one.failures:
            parts.append(f"{len(one.failures)} FAILED")
        return f"{', '.join(parts)}, beside {self.base}"

    @property
    def different(self) -> dict[str, Comparison]:
        """The tables whose rows or columns are others than before."""
        return {name: found for name, found in self.outcome.compared.items() if not found.is_equal}

    @property
    def equal(self) -> list[str]:
        """The tables whose rows are those of before."""
        return sorted(name for name, found in self.outcome.compared.items() if found.is_equal)

    def show(self, console: Console) -> None:
        """Print it."""
        console.print(f"[bold]{escape(self.headline)}")
        for line in self.outcome.failures:
            console.print(f"[red]failed[/]  {escape(line)}")
        for line in self._remarks():
            console.print(escape(line))
        if self.different:
            table = _table(*_HEADERS)
            for name, found in self.different.items():
                table.add_row(*map(escape, _summary(name, found)))
            console.print(table)
        for name, found in self.different.items():
            console.print(f"\n[bold]{name}")
            for line in _remarks_on(found):
                console.print(f"  {escape(line)}")
            if found.columns:
                table = _table("  column", "changed", "e.g.", "before", "after")
                for row in _examples(found):
                    table.add_row(*(escape(f"  {cell}" if n == 0 else cell) for n, cell in enumerate(row)))
                console.print(table)

    def markdown(self) -> str:
        """The same for a pull request: a table of the tables, and below it each one's columns to unfold."""
        lines = [f"### Data diff: {self.headline}", ""]
        lines += [f"- **failed** {_code(line)}" for line in self.outcome.failures]
        lines += [f"- {line}" for line in self._remarks()]
        if self.different:
            lines += [
                "",
                *_markdown_table(_HEADERS, (_summary(*one) for one in self.different.items()), code=(0,)),
            ]
        for name, found in self.different.items():
            details = ["", f"<details><summary><code>{name}</code></summary>", ""]
            details += [f"- {line}" for line in _remarks_on(found, _code)]
            if found.columns:
                headers = ("column", "changed", "e.g.", "before", "after")
                details += ["", *_markdown_table(headers, _examples(found), code=(0, 2, 3, 4))]
            details += ["", "</details>"]
            if sum(map(len, [*lines, *details])) + len(lines) + len(details) > _LONGEST_MARKDOWN:
                lines += ["", "The columns of more tables do not fit in here: `make slim` shows them."]
                break
            lines += details
        return "\n".join(lines) + "\n"

    def _remarks(self) -> Iterator[str]:
        one = self.outcome
        if one.changed:
            yield f"changed: {', '.join(one.changed)}"
        for name, rows in one.new.items():
            yield f"new: {name}, {_count(rows, 'row')}"
        if one.removed:
            yield f"removed: {', '.join(one.removed)}"
        if one.macros_of_no_table:
            yield (
                f"changed macros that dbt ties to no table, so that none was built for them: "
                f"{', '.join(one.macros_of_no_table)}"
            )
        if self.equal:
            yield f"built with the same rows: {', '.join(self.equal)}"


def _summary(name: str, found: Comparison) -> tuple[str, ...]:
    rows = f"{found.rows_after:,}"
    if found.rows_before != found.rows_after:
        rows = f"{found.rows_before:,} → {rows}"
    changed = f"{found.changed:,}" if found.key else ""
    by = ", ".join(found.key) if found.key else "whole rows"
    return name, rows, f"{found.added:,}", f"{found.removed:,}", changed, by


def _remarks_on(found: Comparison, shown: Any = str) -> Iterator[str]:
    """Lines on a table; `shown` makes values safe for where they go."""
    if not found.key:
        yield "has no key by which rows could be matched: a changed row counts as removed and as added"
    if found.current_states_only:
        yield "current states only"
    for name, (kind, filled) in found.new_columns.items():
        yield f"new column {shown(name)} ({kind.lower()}), not null in {_count(filled, 'row')}"
    for name, kind in found.lost_columns.items():
        yield f"column {shown(name)} ({kind.lower()}) is gone"
    for name, (old, new) in found.other_types.items():
        yield f"column {shown(name)} is {new.lower()}, was {old.lower()}"
    for what, rows in (("added", found.added_rows), ("removed", found.removed_rows)):
        if rows:
            yield f"{what}, e.g. {'; '.join(shown(_values(row)) for row in rows)}"


def _examples(found: Comparison) -> Iterator[tuple[str, ...]]:
    """Rows of the table of columns: the first example of each beside its name."""
    for name, change in sorted(found.columns.items(), key=lambda item: -item[1].rows):
        for number, (key, before, after) in enumerate(change.examples):
            head = (name, f"{change.rows:,}") if number == 0 else ("", "")
            yield *head, _values(key), _text(before), _text(after)


def _values(row: dict[str, Any]) -> str:
    return _text(", ".join(_text(value) for value in row.values()), 2 * _LONGEST_VALUE)


def _text(value: Any, longest: int = _LONGEST_VALUE) -> str:
    text = "null" if value is None else " ".join(str(value).split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        is_number = column in ("rows", "added", "removed", "changed")
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    return table


def _markdown_table(
    headers: tuple[str, ...], rows: Iterator[tuple[str, ...]], code: tuple[int, ...]
) -> Iterator[str]:
    yield f"| {' | '.join(headers)} |"
    yield f"|{'---|' * len(headers)}"
    for row in rows:
        cells = [_code(cell) if number in code and cell else cell for number, cell in enumerate(row)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _code(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "`" + text.replace("`", "'") + "`"
