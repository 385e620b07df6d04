"""What `python -m loaders inspect` shows to people."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from loaders.inspection import Inspection, Row

UNKNOWN = "unknown"
_MOST_KEYS = 40
_EXAMPLE = 48


def show(console: Console, found: Inspection) -> None:
    """Print what was found in a sample."""
    which = "all" if found.is_whole else "the first"
    console.rule(f"[bold]{which} {found.records:,} records of {escape(found.uri)}")
    formats = _table("format", "records", "accepted", "rejected", "in envelopes")
    for row in found.formats:
        count = row["accepted"] + row["rejected"]
        formats.add_row(
            row["source_format"] or UNKNOWN,
            *(f"{value:,}" for value in (count, row["accepted"], row["rejected"], row["enveloped"])),
        )
    console.print(formats)
    if found.rejections:
        _show_rejections(console, found.rejections)
    accepted = {row["source_format"]: row["accepted"] for row in found.formats}
    for name, fields in groupby(found.fields, lambda row: row["source_format"]):
        _show_fields(console, name, list(fields), accepted[name])
    for name, keys in groupby(found.unread_keys, lambda row: row["source_format"]):
        _show_keys(console, name or UNKNOWN, list(keys))
    if found.unknown_spellings:
        _show_spellings(console, found.unknown_spellings)
    console.rule("[bold]What to do")
    console.print(_advice(found))


def _show_rejections(console: Console, rejections: list[Row]) -> None:
    console.rule("[bold]rejected[/]  [dim]kept, with the reason, in rejected_events")
    table = _table("reason", "format", "records", "first", "which is")
    for row in rejections:
        payload = row["parse_error"] or row["first_payload"]
        table.add_row(
            row["rejection_reason"],
            row["source_format"] or UNKNOWN,
            f"{row['records']:,}",
            f"{row['first_position']:,}",
            _short(payload),
        )
    console.print(table)


def _show_fields(console: Console, name: str, fields: list[Row], accepted: int) -> None:
    console.rule(f"[bold]{name}[/]: fields found  [dim]in so many of the accepted, with an example")
    table = _table("field", "records", "share", "example")
    for row in fields:
        share = f"{100 * row['records'] / accepted:.0f} %"
        table.add_row(row["field"], f"{row['records']:,}", share, _short(row["example"]))
    console.print(table)


def _show_keys(console: Console, name: str, keys: list[Row]) -> None:
    console.rule(f"[bold]{name}[/]: keys that nothing reads  [dim]with their records")
    shown = ", ".join(f"{escape(row['payload_key'])} [dim]{row['records']:,}[/]" for row in keys[:_MOST_KEYS])
    more = f" and {len(keys) - _MOST_KEYS:,} more (--json has all)" if len(keys) > _MOST_KEYS else ""
    console.print(shown + more, highlight=False)


def _show_spellings(console: Console, spellings: list[Row]) -> None:
    console.rule("[bold]events of unknown spelling[/]  [dim]they count in no funnel, page view or revenue")
    table = _table("type", "name", "format", "records")
    for row in spellings:
        texts = (_short(row["event_type"]), _short(row["event_name"]))
        table.add_row(*texts, row["source_format"], f"{row['records']:,}")
    console.print(table)


def _advice(found: Inspection) -> str:
    lines = []
    if any(row["rejection_reason"] == "unknown_format" for row in found.rejections):
        lines.append("A format of your own: docs/formats.md, 'A new format'")
    if found.rejections:
        lines.append("What a record needs to be accepted: docs/own-data.md")
    if found.unread_keys:
        lines.append("A key as a column: docs/formats.md, 'A property of your own as a column'")
    if found.unknown_spellings:
        lines.append("A spelling: one line in seeds/event_actions.csv")
    lines.append("Load it: python -m loaders historical FILE (or firehose), then dbt build")
    return "\n".join(lines)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        is_number = column in ("records", "accepted", "rejected", "in envelopes", "first", "share")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis")
    return table


def _short(value: Any) -> str:
    """A text on one line that fits into a column, and nothing in it is markup."""
    text = " ".join(str(value if value is not None else "").split())
    return escape(text if len(text) <= _EXAMPLE else f"{text[:_EXAMPLE]}…")
