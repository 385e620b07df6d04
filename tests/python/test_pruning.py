"""A batch reads and rewrites the partitions that it touches: told by the engine's scans, not by the SQL."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from pyiceberg.expressions import In
from random_history import START, random_events, write_object
from scans import files_read
from warehouse import Warehouse

# Built by the days of a batch's events. Other units have rows on any day: a late event gives all later
# sessions of its visitor another number, so what reads these models may have to look at any day, too.
BY_DAY = ("event_identity", "session_reach", "session_id")
BY_WHOM = ("visitor_id", "person_id", "visitor_month")


@pytest.fixture(scope="module")
def one_day_later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, list[date]]]:
    """Thirty days of history, and a batch with a day in the middle that was built last."""
    home = tmp_path_factory.mktemp("pruning")
    warehouse = Warehouse(home)
    chance = random.Random(3)
    try:
        for day in range(0, 30, 3):
            write_object(
                home / "history" / f"{day}.json",
                moved(random_events(chance), day),
                START + timedelta(days=60),
            )
        warehouse.load("firehose", home / "history")
        warehouse.dbt("run")
        late = moved(random_events(chance)[:40], 15)
        write_object(home / "late" / "late.json", late, START + timedelta(days=60))
        warehouse.load("firehose", home / "late")
        warehouse.dbt("run")
        days = sorted({date.fromisoformat(event["timestamp"][:10]) for event in late})
        # Sessions reach a day further, to both sides.
        yield (
            warehouse,
            [days[0] + timedelta(days=number) for number in range(-2, (days[-1] - days[0]).days + 3)],
        )
    finally:
        warehouse.close()


def moved(events: list[dict], days: int) -> list[dict]:
    """The events some days later, under names of their own."""
    text = json.dumps(events)
    for number in range(1, 9):
        text = text.replace(f"2026-03-0{number}T", f"DAY-{number}T")
    for number in range(1, 9):
        day = date(2026, 3, number) + timedelta(days=days)
        text = text.replace(f"DAY-{number}T", f"{day.isoformat()}T")
    return [
        {**event, "messageId": event["messageId"] and f"{event['messageId']}-{days}"}
        for event in json.loads(text)
    ]


def queries(warehouse: Warehouse, connection: duckdb.DuckDBPyConnection, model: str) -> Iterator[str]:
    """What a model's last run sent: what it computed, and what it deleted, as queries."""
    target = Path(warehouse.environment["DBT_TARGET_PATH"])
    manifest = json.loads((target / "manifest.json").read_text())
    node = manifest["nodes"][f"model.web_events_lakehouse.{model}"]
    path = Path("web_events_lakehouse") / node["original_file_path"]
    sent = (target / "run" / path).read_text()
    # What the run kept for itself went with it; which partitions are read stands in the statements.
    for name in set(re.findall(r'"(\w+__\w+\d{20})"', sent)):
        connection.execute(
            f'create temp table if not exists "{name}" as from {node["relation_name"]} limit 0'
        )
    for name in set(re.findall(r"memory\.main\.changes_of_\w+", sent)):
        connection.execute(
            f"create table if not exists {name} "
            f"(run_number bigint, model_name varchar, column_name varchar, value varchar)"
        )
    for statement in connection.extract_statements(sent):
        query = statement.query.strip()
        if statement.type == duckdb.StatementType.DELETE:
            yield query.replace("delete", "select count(*)", 1)
        elif statement.type == duckdb.StatementType.CREATE:
            yield query[query.index("(") :]


def declared(warehouse: Warehouse) -> tuple[dict[str, str], list[str]]:
    """The tables that a date partitions, with it; and the models that are built by the days of a batch."""
    manifest = json.loads((Path(warehouse.environment["DBT_TARGET_PATH"]) / "manifest.json").read_text())
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "incremental"
    }
    units = {key: node["config"]["meta"].get("rebuild_by", "everything") for key, node in nodes.items()}

    def is_by_day(key: str) -> bool:
        parents = [name for name in nodes[key]["depends_on"]["nodes"] if name in nodes]
        return units[key] not in BY_WHOM and all(map(is_by_day, parents))

    tables, models = {}, []
    for key, node in nodes.items():
        columns = [
            re.sub(r"^\w+\((\w+)\)$", r"\1", part) for part in node["config"].get("partitioned_by") or []
        ]
        dates = [column for column in columns if column.endswith("_date")]
        # The days of loading are not those of the events.
        if dates and dates != ["load_date"]:
            tables[f"{node['schema']}.{node['alias']}"] = dates[0]
        if is_by_day(key) and (units[key] in BY_DAY or units[key].endswith("_date")):
            models.append(node["name"])
    return tables, models


def test_a_batch_reads_its_partitions(one_day_later: tuple[Warehouse, list[date]]) -> None:
    """Every model that the manifest has, by every table of many files that it reads."""
    warehouse, days = one_day_later
    catalog = warehouse.catalog()
    tables, models = declared(warehouse)
    files: dict[str, tuple[int, int]] = {}
    for table, column in tables.items():
        scan = catalog.load_table(table).scan
        near = len(list(scan(row_filter=In(column, days)).plan_files()))
        # What was rejected has no date.
        undated = len(list(scan(row_filter=f"{column} is null").plan_files()))
        files[table] = (near + undated, len(list(scan().plan_files())))
    too_many, looked_at = [], set()
    with warehouse.connect() as connection:
        for model in models:
            for query in queries(warehouse, connection, model):
                for table, count in files_read(connection, query):
                    most, everything = files.get(table, (0, 0))
                    if most < everything / 2:
                        looked_at.add(model)
                        if count > most:
                            too_many.append(
                                f"{model} reads {count} files of {table}, not {most}:\n{query[:2000]}"
                            )
    assert not too_many, "\n".join(too_many)
    assert {"int_web_events_deduplicated", "fct_web_events", "int_sessions", "hourly_revenue"} <= looked_at
