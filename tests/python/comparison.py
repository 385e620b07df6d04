"""Whole-table comparison of two builds of the same models."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from warehouse import Row, Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT
from slim.compare import FLOAT_TOLERANCE, LOAD_TIME_COLUMNS

# A snapshot has the states that dbt saw.
NOT_COMPARED = frozenset({"product_history", "user_history"})
EQUAL_ROWS = PROJECT_ROOT / "target" / "equal_rows"


def assert_same_rows(
    warehouse: Warehouse,
    one: str,
    other: str,
    *,
    same_history: bool = False,
    catalog: str = "lake",
    only: str | None = None,
) -> dict[str, int]:
    """Every stored model of the manifest holds the same rows in two schemas, in all columns but load times.

    Args:
        warehouse: holds both builds; the manifest is that of its last dbt command.
        one: the target schema (DBT_SCHEMA) of the first build.
        other: that of the second.
        same_history: both were built after the same batches, so what a history leaves is compared too.
        catalog: the catalog of the first build, as DuckDB names it; the second is in the local lakehouse.
        only: the model to compare, instead of every one.

    Returns:
        The number of rows of each model that was compared.
    """
    counts = {}
    with warehouse.connect() as connection:
        for name, table in sorted(warehouse.models().items()):
            if only and name != only:
                continue
            if name in NOT_COMPARED and not same_history:
                continue
            namespace, _, alias = table.partition(".")
            suffix = namespace.removeprefix(other).removeprefix(one)
            left, right = f"{catalog}.{one}{suffix}.{alias}", f"lake.{other}{suffix}.{alias}"
            described = {
                relation: [row[:2] for row in connection.execute(f"describe {relation}").fetchall()]
                for relation in (left, right)
            }
            assert described[left] == described[right], f"{name}: columns"
            columns = [f'"{column}"' for column, _ in described[left] if column not in LOAD_TIME_COLUMNS]
            if any(column == "dbt_valid_to" for column, _ in described[left]):
                columns.append("dbt_valid_to is null")
            listed = ", ".join(columns)
            extra = [
                connection.execute(f"select {listed} from {a} except all select {listed} from {b}").fetchall()
                for a, b in ((left, right), (right, left))
            ]
            missing, found = unequal_rows(*extra)
            assert not missing, (
                f"{name}: {len(missing)} rows only in {left}: {_show(columns, missing, found)}"
            )
            assert not found, f"{name}: {len(found)} rows only in {right}, e.g. {found[0]}"
            counts[name] = connection.execute(f"select count(*) from {left}").fetchone()[0]
    return counts


def assert_rows(expected: list[Row], actual: list[Row], key: tuple[str, ...], table: str) -> None:
    """Every column that the expectation has, for all rows, both ways."""
    columns = sorted(expected[0]) if expected else sorted(key)
    copies = Counter(tuple(row[name] for name in key) for row in actual)
    assert max(copies.values(), default=1) == 1, f"{table}: {key}"
    wanted = {tuple(row[name] for name in key): row for row in expected}
    found = {tuple(row[name] for name in key): {name: row[name] for name in columns} for row in actual}
    assert found.keys() == wanted.keys(), (
        f"{table}: rows differ, e.g. {sorted(map(str, found.keys() ^ wanted.keys()))[:4]}"
    )
    different = [(found[k], wanted[k]) for k in wanted if not _is_same_row(found[k], wanted[k])]
    assert not different, f"{table}: {len(different)} rows differ, e.g. {different[0]}"


def _is_same_row(one: Row, other: Row) -> bool:
    """Whether all values are equal; doubles as far as their last digits depend on the order of a sum."""
    return one == other or all(
        math.isclose(value, other[name], rel_tol=1e-12) if isinstance(value, float) else value == other[name]
        for name, value in one.items()
    )


def note_equal_rows(engine: str, counts: dict[str, int]) -> None:
    """Keep what a comparison with target `local` found, for `make engine-table`."""
    EQUAL_ROWS.mkdir(parents=True, exist_ok=True)
    (EQUAL_ROWS / f"{engine}.json").write_text(json.dumps(counts))


def unequal_rows(left: Iterable[tuple], right: Iterable[tuple]) -> tuple[list[tuple], list[tuple]]:
    """The rows of each side that have no equal on the other; floats are equal within the tolerance."""
    candidates = defaultdict(list)
    for row in right:
        candidates[_exact(row)].append(row)
    alone = []
    for row in left:
        others = candidates[_exact(row)]
        match = next((other for other in others if _close(row, other)), None)
        if match is None:
            alone.append(row)
        else:
            others.remove(match)
    return alone, [row for rows in candidates.values() for row in rows]


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _exact(row: tuple) -> tuple:
    return tuple(float if isinstance(leaf, float) else leaf for leaf in _leaves(row))


def _close(row: tuple, other: tuple) -> bool:
    pairs = zip(_leaves(row), _leaves(other), strict=True)
    return all(
        math.isclose(a, b, rel_tol=FLOAT_TOLERANCE, abs_tol=FLOAT_TOLERANCE)
        for a, b in pairs
        if isinstance(a, float)
    )


def _show(columns: list[str], missing: list[tuple], found: list[tuple]) -> str:
    """The columns in which the two sides differ, and the pair of rows that differs least."""
    row = missing[0]
    if not found:
        return str(row)
    nearest = min(found, key=lambda other: sum(a != b for a, b in zip(row, other, strict=True)))
    cells = zip(columns, row, nearest, strict=True)
    differing = {column: (a, b) for column, a, b in cells if a != b}
    return f"{row}; the nearest row of the other differs in {differing}"


def compared_with_parquet(
    connection: duckdb.DuckDBPyConnection, directory: Path
) -> dict[str, tuple[tuple[int, int | None], tuple[int, int | None]]]:
    """Files of benchmarks/hand_written.sql beside models of the same names, in all columns but load times.

    Args:
        connection: one of `Warehouse.connect`.
        directory: has `<model>.parquet` files.

    Returns:
        By model: the number of rows and the sum of their hashes, of the model and of the file; the same when
        the rows are.

    Raises:
        AssertionError: a file lacks a column of its model.
    """
    found = {}
    for file in sorted(directory.glob("*.parquet")):
        table = f"lake.analytics.{file.stem}"
        types = {
            name: type_
            for name, type_, *_ in connection.execute(f"describe {table}").fetchall()
            if name not in LOAD_TIME_COLUMNS
        }
        written = {row[0] for row in connection.execute(f"describe from '{file}'").fetchall()}
        assert types.keys() == written, f"{file.stem}: columns {types.keys() ^ written} are of one only"
        values = ", ".join(f'cast("{name}" as {type_})' for name, type_ in types.items())
        both = [
            connection.execute(f"select count(*), sum(hash({values})) from {rows}").fetchone()
            for rows in (table, f"'{file}'")
        ]
        found[file.stem] = (both[0], both[1])
    return found
