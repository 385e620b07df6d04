"""Everything that the docs show says what it is: what dbt-bouncer has no check for."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail

PROJECT_ROOT = Path(__file__).resolve().parents[2]
# What another macro calls by adapter.dispatch is described there, and dbt's own macros by dbt.
OF_ONE_ENGINE = re.compile(r"^(default|duckdb|trino|athena)__")


@check
def check_columns_are_listed(model: Any) -> None:
    """A model's YAML lists columns."""
    if not model.columns:
        fail(f"`{model.name}` has no columns in its YAML.")


@check
def check_seed_is_described(seed: Any) -> None:
    """A seed and each of its columns have a description, and every column of the CSV is there."""
    _fail_if_not_described(seed)
    header = (PROJECT_ROOT / seed.original_file_path).read_text().splitlines()[0].split(",")
    if missing := [name for name in header if name not in (seed.columns or {})]:
        fail(f"`{seed.name}` has columns that its YAML does not list: {missing}.")


@check
def check_snapshot_is_described(snapshot: Any) -> None:
    """A snapshot and each of its columns have a description."""
    _fail_if_not_described(snapshot)


@check
def check_source_is_described(source: Any) -> None:
    """A raw table and each of its columns have a description."""
    _fail_if_not_described(source)


@check
def check_macro_is_described(macro: Any) -> None:
    """A comment comes right before a macro that others may call."""
    path = PROJECT_ROOT / macro.original_file_path
    if OF_ONE_ENGINE.match(macro.name) or macro.name.startswith(("_", "test_", "materialization_")):
        return
    begins = re.search(rf"\{{%-?\s*macro\s+{macro.name}\b", _text_of(path))
    if begins is None or not _text_of(path)[: begins.start()].rstrip().endswith("#}"):
        fail(f"`{macro.name}` in {macro.original_file_path} has no comment right before it.")


def _fail_if_not_described(node: Any) -> None:
    if not (node.description or "").strip():
        fail(f"`{node.name}` has no description.")
    columns = node.columns or {}
    if not columns:
        fail(f"`{node.name}` has no columns in its YAML.")
    if bare := [name for name, column in columns.items() if not (column.description or "").strip()]:
        fail(f"`{node.name}` has columns without a description: {bare}.")


@cache
def _text_of(path: Path) -> str:
    return path.read_text()
