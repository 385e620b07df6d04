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

# The tables that grow with the events, and the dates by which they are partitioned.
LARGE = {
    "analytics_staging.stg_web_events": "event_date",
    "analytics_intermediate.int_web_events_deduplicated": "event_date",
    "analytics_intermediate.int_web_events_sessionized": "event_date",
    "analytics.fct_web_events": "event_date",
    "analytics.fct_event_products": "event_date",
    "analytics.fct_sessions": "session_date",
}
# Built by the days of a batch's events; a visitor's sessions are numbered over all days.
MODELS = [
    "int_web_events_deduplicated",
    "int_web_events_sessionized",
    "fct_web_events",
    "fct_event_products",
    "int_product_daily",
    "hourly_revenue",
    "category_performance",
    "user_activity",
    "int_batch_counts",
]


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


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_reads_its_partitions(one_day_later: tuple[Warehouse, list[date]], model: str) -> None:
    warehouse, days = one_day_later
    catalog = warehouse.catalog()
    scanned = 0
    with warehouse.connect() as connection:
        for query in queries(warehouse, connection, model):
            for table, count in files_read(connection, query):
                if table not in LARGE:
                    continue
                scanned += 1
                files = catalog.load_table(table)
                near = len(list(files.scan(row_filter=In(LARGE[table], days)).plan_files()))
                everything = len(list(files.scan().plan_files()))
                # What was rejected has no date.
                undated = len(list(files.scan(row_filter=f"{LARGE[table]} is null").plan_files()))
                assert count <= near + undated < everything / 2, (
                    f"{model} reads {count} files of {table}:\n{query}"
                )
    assert scanned
