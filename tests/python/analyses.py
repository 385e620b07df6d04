"""The queries in `analyses/`, as dbt compiles them for an engine, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from comparison import unequal_rows
from warehouse import Row, Warehouse


class Cursor(Protocol):
    """What is used of a cursor of Python's database interface."""

    description: Any

    def execute(self, sql: str) -> Any: ...

    def fetchall(self) -> list[Any]: ...


@dataclass(frozen=True)
class Analysis:
    """A query of the manifest."""

    name: str
    columns: list[str]
    """As its YAML names them."""
    sql: str
    may_be_empty: str | None
    """Why it may have no rows."""


def compiled_analyses(warehouse: Warehouse, dbt: Callable[..., Any], schema: str) -> list[Analysis]:
    """Let dbt compile all analyses of the project.

    Args:
        warehouse: where dbt writes the manifest.
        dbt: runs dbt on the target whose SQL is wanted.
        schema: of the models that the queries read.
    """
    dbt("compile", "--select", "resource_type:analysis", DBT_SCHEMA=schema)
    nodes = json.loads(warehouse.manifest.read_text())["nodes"].values()
    found = [
        Analysis(
            name=node["name"],
            columns=list(node["columns"]),
            sql=node["compiled_code"],
            may_be_empty=node["config"]["meta"].get("may_be_empty"),
        )
        for node in nodes
        if node["resource_type"] == "analysis"
    ]
    assert found, "the manifest has no analysis"
    return found


def answer(cursor: Cursor, analysis: Analysis) -> list[tuple]:
    """Run a query; it must give the columns that its YAML names, and rows unless it may be empty."""
    try:
        cursor.execute(analysis.sql)
        rows = [tuple(row) for row in cursor.fetchall()]
    except Exception as error:
        raise AssertionError(f"{analysis.name} fails: {error}") from error
    assert [column[0] for column in cursor.description] == analysis.columns, analysis.name
    if not rows:
        assert analysis.may_be_empty, f"{analysis.name} has no rows"
        print(f"{analysis.name} has no rows: {analysis.may_be_empty}")
    return rows


def assert_analyses_run(warehouse: Warehouse, schema: str = "analytics") -> dict[str, list[Row]]:
    """Run every analysis on DuckDB; returns the rows by the name of the query."""
    analyses = compiled_analyses(warehouse, warehouse.dbt, schema)
    with warehouse.connect() as connection:
        return {
            one.name: [dict(zip(one.columns, row, strict=True)) for row in answer(connection, one)]
            for one in analyses
        }


def assert_same_answers(
    warehouse: Warehouse,
    dbt: Callable[..., Any],
    cursor: Cursor,
    schema: str,
    local_schema: str,
) -> None:
    """Run every analysis on DuckDB and on another engine: the answers are the same, but for the order of rows.

    Args:
        warehouse: the lakehouse that DuckDB reads.
        dbt: runs dbt on the other engine's target.
        cursor: of the other engine.
        schema: which the other engine reads.
        local_schema: which DuckDB reads, with the same rows.
    """
    here = {one.name: one for one in compiled_analyses(warehouse, warehouse.dbt, local_schema)}
    there = {one.name: one for one in compiled_analyses(warehouse, dbt, schema)}
    assert here.keys() == there.keys()
    with warehouse.connect() as connection:
        for name, analysis in here.items():
            only_here, only_there = unequal_rows(answer(connection, analysis), answer(cursor, there[name]))
            assert not only_here, f"{name}: only DuckDB has {only_here[:3]}, the other {only_there[:3]}"
            assert not only_there, f"{name}: only the other engine has {only_there[:3]}"
