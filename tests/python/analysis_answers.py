"""The queries in `analyses/`, as dbt compiles them for an engine, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from comparison import unequal_rows
from warehouse import Row, Warehouse

from oracle.event_marts import Facts
from oracle.questions import Lake, answers

Dbt = Callable[..., Any]


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


def compiled_analyses(
    warehouse: Warehouse, dbt: Dbt, schema: str, analysis_date: date | None = None
) -> dict[str, Analysis]:
    """Let dbt compile all analyses of the project; returns them by name.

    Args:
        warehouse: where dbt writes the manifest.
        dbt: runs dbt on the target whose SQL is wanted.
        schema: of the models that the queries read.
        analysis_date: the variable of that name.
    """
    more = ("--vars", json.dumps({"analysis_date": analysis_date.isoformat()})) if analysis_date else ()
    dbt("compile", "--select", "resource_type:analysis", *more, DBT_SCHEMA=schema)
    nodes = json.loads(warehouse.manifest.read_text())["nodes"].values()
    found = {
        node["name"]: Analysis(
            name=node["name"],
            columns=list(node["columns"]),
            sql=node["compiled_code"],
            may_be_empty=node["config"]["meta"].get("may_be_empty"),
        )
        for node in nodes
        if node["resource_type"] == "analysis"
    }
    assert found, "the manifest has no analysis"
    return found


def run(cursor: Cursor, analysis: Analysis) -> list[tuple]:
    """The rows of a query, which has the columns that its YAML names."""
    try:
        cursor.execute(analysis.sql)
        rows = [tuple(row) for row in cursor.fetchall()]
    except Exception as error:
        raise AssertionError(f"{analysis.name} fails: {error}") from error
    assert [column[0] for column in cursor.description] == analysis.columns, analysis.name
    return rows


def assert_analyses_run(warehouse: Warehouse) -> None:
    """Every analysis runs on DuckDB and has rows, and those that plain Python knows have the right ones."""
    lake = read_lake(warehouse)
    by_default = compiled_analyses(warehouse, warehouse.dbt, "analytics")
    # So that a window of 7 days leaves out what is before the last 3 of them.
    later = max(event["event_date"] for event in lake.facts.events) + timedelta(days=4)
    on_a_date = compiled_analyses(warehouse, warehouse.dbt, "analytics", later)
    with warehouse.connect() as connection:
        for analysis in by_default.values():
            assert_has_rows(analysis, run(connection, analysis))
        for analyses, analysis_date in ((by_default, None), (on_a_date, later)):
            for name, expected in answers(lake, analysis_date).items():
                analysis = analyses[name]
                found = [dict(zip(analysis.columns, row, strict=True)) for row in run(connection, analysis)]
                assert_answer(f"{name}, analysis_date {analysis_date}", found, expected)


def assert_has_rows(analysis: Analysis, rows: list[tuple]) -> None:
    """An analysis has rows; when it has none, its YAML must say why that may be, which is printed."""
    if not rows:
        assert analysis.may_be_empty, f"{analysis.name} has no rows"
        print(f"{analysis.name} has no rows: {analysis.may_be_empty}")


def assert_answer(name: str, found: list[Row], expected: list[Row]) -> None:
    """The same rows in the same order; a failure shows the first that differs."""
    different = [pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]]
    assert not different, f"{name}: {len(different)} rows differ, e.g. {different[0]}"
    assert len(found) == len(expected), name


def assert_same_answers(warehouse: Warehouse, dbt: Dbt, cursor: Cursor, schema: str, local: str) -> None:
    """Every analysis has the same rows on DuckDB and on another engine.

    Args:
        warehouse: the lakehouse that DuckDB reads.
        dbt: runs dbt on the other engine's target.
        cursor: of the other engine.
        schema: which the other engine reads.
        local: which DuckDB reads; its tables hold the same rows.
    """
    here = compiled_analyses(warehouse, warehouse.dbt, local)
    there = compiled_analyses(warehouse, dbt, schema)
    assert here.keys() == there.keys()
    with_rows = 0
    with warehouse.connect() as connection:
        for name, analysis in here.items():
            rows = run(connection, analysis)
            with_rows += bool(rows)
            only_here, only_there = unequal_rows(rows, run(cursor, there[name]))
            assert not only_here, f"{name}: only DuckDB has {only_here[:3]}, the other has {only_there[:3]}"
            assert not only_there, f"{name}: only the other engine has {only_there[:3]}"
    # Of a few events, some questions have no answer: that each has one of more is asked on DuckDB.
    assert with_rows > 0.5 * len(here)


def read_lake(warehouse: Warehouse) -> Lake:
    """The rows of facts and dimensions."""
    tables = ("web_events", "sessions", "event_products", "transactions")
    events, sessions, lines, transactions = (warehouse.rows(f"analytics.fct_{name}") for name in tables)
    visitors, products, users = (
        warehouse.rows(f"analytics.dim_{name}") for name in ("visitors", "products", "users")
    )
    facts = Facts(events, sessions, visitors, lines, transactions=transactions)
    return Lake(facts, products, users)
