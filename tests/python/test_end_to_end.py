"""The whole way, by the real commands: sample files, loaders, dbt, and every mart against plain Python."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import address_ranges
import catalog
import pytest
from analysis_answers import assert_analyses_run
from commerce_comparison import assert_commerce_equals_oracle
from comparison import assert_rows, assert_same_rows
from metric_comparison import assert_metrics_equal
from pandas_comparison import assert_cohorts_equal, assert_customers_equal
from retentioneering_comparison import assert_funnels_equal, assert_sessions_equal
from warehouse import Row, Warehouse

from loaders.sample import Manifest, generate_sample
from loaders.sample.vocabulary import SHARED_IDS
from oracle import Oracle, compute, event_id_problems, event_marts, schema_drift
from oracle.addresses import ranges_of
from oracle.knowledge import knowledge_of

OWNED = ("model", "seed", "snapshot")
UNDATED = """\
{{"type":"page","anonymousId":"undated-{name}","timestamp":"2026-01-06T10:00:00Z"}}
{{"type":"page","anonymousId":"undated-{name}"}}
"""

VISIT = {"type": "page", "messageId": "visit", "timestamp": "2026-01-06T10:00:00Z"}


@dataclass
class Built:
    """A lakehouse that holds a sample, built once."""

    warehouse: Warehouse
    manifest: Manifest
    sample: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    home = tmp_path_factory.mktemp("end_to_end")
    sample = home / "sample"
    manifest = generate_sample(sample, events=12_000, days=5, seed=11)
    warehouse = Warehouse(home, variables=address_ranges.VARIABLES)
    try:
        with warehouse.connect() as lake:
            address_ranges.create_table(lake)
        warehouse.load_sample(sample)
        # With the unit tests.
        warehouse.dbt("build", DBT_EXCLUDE_RESOURCE_TYPES="")
        yield Built(warehouse, manifest, sample)
    finally:
        warehouse.close()


def test_the_docs_know_the_type_of_every_column(built: Built) -> None:
    built.warehouse.dbt("docs", "generate")
    target = built.warehouse.manifest.parent
    manifest, found = (json.loads((target / f"{name}.json").read_text()) for name in ("manifest", "catalog"))
    tables = {
        key: {column["name"]: column["type"] for column in entry["columns"].values()}
        for key, entry in found["nodes"].items()
    }
    assert tables.keys() == catalog.tables(manifest).keys()
    # The site of a lakehouse in which nothing is built has the same types.
    assert tables == catalog.types_by_sql(manifest, found)


def read_oracle(warehouse: Warehouse, events: list[Row]) -> Oracle:
    ids = {(row["source_uri"], row["source_position"]): row["event_id"] for row in events}
    known = knowledge_of()
    ranges = ranges_of(address_ranges.as_rows(address_ranges.RANGES), known.country_code)
    return compute(
        warehouse.rows("raw.web_events"),
        warehouse.rows("raw.products"),
        event_ids=ids,
        knowledge=replace(known, address_ranges=ranges),
    )


SESSION_KEY = ("visitor_id", "session_start_at")
LINE_KEY = ("source_uri", "source_position", "line_number")
KEYS = {
    "conversion_funnel": ("product_id",),
    "hourly_revenue": ("event_date", "event_hour"),
    "top_products": ("rank",),
    "category_performance": ("event_date", "category"),
    "user_activity": ("event_date",),
    "unknown_events": ("event_type", "event_name"),
    "dim_users": ("person_id",),
    "dim_products": ("product_id",),
    "dim_user_agents": ("user_agent",),
    "load_reconciliation": ("load_date", "source"),
}


def assert_equal_to_oracle(warehouse: Warehouse) -> None:
    """Compare facts, dimensions and marts with the plain Python computation over the same raw rows."""
    events = warehouse.rows("analytics.fct_web_events")
    oracle = read_oracle(warehouse, events)
    staged = {
        (row["source_uri"], row["source_position"]): row["is_enveloped"]
        for row in warehouse.rows(
            "analytics_staging.stg_web_events", "source_uri, source_position, is_enveloped"
        )
    }
    sessions = warehouse.rows("analytics.fct_sessions")
    by_id = {row["session_id"]: row for row in sessions}
    for row in events:
        row["is_enveloped"] = staged[row["source_uri"], row["source_position"]]
        row["session_start_at"] = by_id[row["session_id"]]["session_start_at"]
        row["session_number"] = by_id[row["session_id"]]["session_number"]
    own = ("event_id", "has_own_id")
    expected_events = [{k: v for k, v in row.items() if k not in own} for row in oracle.events]
    assert_rows(expected_events, events, ("source_uri", "source_position"), "fct_web_events")
    assert_rows(oracle.event_products, event_products(warehouse, events), LINE_KEY, "fct_event_products")
    assert_rows(oracle.sessions, sessions, SESSION_KEY, "fct_sessions")
    assert_rows(oracle.visitors, warehouse.rows("analytics.dim_visitors"), ("visitor_id",), "dim_visitors")
    rejected = [
        {**row, "reason": row["rejection_reason"]} for row in warehouse.rows("analytics.rejected_events")
    ]
    assert_rows(oracle.rejected, rejected, ("source_uri", "source_position"), "rejected_events")
    for table, key in KEYS.items():
        assert_rows(getattr(oracle, table), warehouse.rows(f"analytics.{table}"), key, table)
    drift = schema_drift(warehouse.rows("raw.web_events"))
    assert_rows(
        drift, warehouse.rows("analytics.schema_drift"), ("source_format", "payload_key"), "schema_drift"
    )
    ids = {(row["source_uri"], row["source_position"]): row["event_id"] for row in events}
    assert event_id_problems(oracle, ids) == []
    compare_marts(warehouse, events, sessions)


def compare_marts(warehouse: Warehouse, events: list[Row], sessions: list[Row]) -> None:
    """The marts over the facts, which are right by now."""
    staged = (
        "source, source_uri, source_etag, source_modified_at, loaded_at, event_timestamp, rejection_reason"
    )
    read = event_marts.Facts(
        events=events,
        sessions=sessions,
        visitors=warehouse.rows("analytics.dim_visitors"),
        lines=warehouse.rows("analytics.fct_event_products"),
        staged=warehouse.rows("analytics_staging.stg_web_events", staged),
        loads=warehouse.rows("raw.load_batches"),
        transactions=warehouse.rows("analytics.fct_transactions"),
    )
    for table, expected in event_marts.marts_of_facts(read, event_marts.Settings()).items():
        assert_rows(expected, warehouse.rows(f"analytics.{table}"), event_marts.KEYS[table], table)


def event_products(warehouse: Warehouse, events: list[Row]) -> list[Row]:
    """The lines with the place of their event, which the plain Python computation knows them by."""
    place = {
        (row["event_id"], row["visitor_id"], row["event_date"]): {
            "source_uri": row["source_uri"],
            "source_position": row["source_position"],
        }
        for row in events
    }
    lines = warehouse.rows("analytics.fct_event_products")
    return [row | place[row["event_id"], row["visitor_id"], row["event_date"]] for row in lines]


def test_counts_are_those_of_the_manifest(built: Built) -> None:
    account = built.warehouse.rows("analytics.load_reconciliation")
    total = {
        name: sum(row[name] for row in account)
        for name in ("raw_records", "events", "duplicates", "superseded")
    }
    manifest = built.manifest
    assert total == {
        "raw_records": manifest.records,
        "events": manifest.events,
        "duplicates": manifest.duplicates,
        "superseded": 0,
    }
    reasons = Counter(row["rejection_reason"] for row in built.warehouse.rows("analytics.rejected_events"))
    assert reasons == manifest.rejected


def test_every_column_is_described(built: Built) -> None:
    """By its table's YAML; `make check` sees only that what is listed there is described."""
    catalog = built.warehouse.catalog()
    nodes = json.loads(built.warehouse.manifest.read_text())["nodes"].values()
    tables = [
        node
        for node in nodes
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    ]
    differing = {}
    for node in tables:
        fields = catalog.load_table((node["schema"], node["alias"])).schema().fields
        if columns := {field.name for field in fields} ^ set(node["columns"]):
            differing[node["name"]] = columns
    assert len(tables) > len(built.warehouse.models())
    assert not differing


def test_sqlfluff(built: Built) -> None:
    """As dbt compiles models and tests: on tables that are there as on an empty lakehouse."""
    done = built.warehouse.command(
        "sqlfluff", "lint", "--processes", "2", "models", "analyses", "tests/sql", check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_events_are_those_of_the_manifest(built: Built) -> None:
    events, manifest = built.warehouse.rows("analytics.fct_web_events"), built.manifest
    assert Counter(row["source_format"] for row in events) == manifest.events_by_format
    sources = Counter(row["timestamp_source"] for row in events)
    assert sources["arrival"] == manifest.arrival_time_events
    revenues = [row["revenue"] for row in events if row["revenue"] is not None]
    assert len(revenues) == manifest.purchases["events"]
    assert sum(revenues) == Decimal(manifest.purchases["revenue"])
    assert revenues.count(Decimal(0)) == manifest.purchases["without_amount"]
    ids = Counter(row["event_id"] for row in events)
    assert ids.total() - len(ids) == manifest.dirt["ids_of_another_visitor"] > 0
    assert not ids.keys() & set(SHARED_IDS)
    assert all(row["visitor_id"] == row["visitor_id"].strip() for row in events)


def test_marts_equal_plain_python(built: Built) -> None:
    assert_equal_to_oracle(built.warehouse)
    assert_commerce_equals_oracle(built.warehouse)


def test_analyses_answer_as_plain_python(built: Built) -> None:
    assert_analyses_run(built.warehouse)


def test_everything_has_an_owner(built: Built) -> None:
    manifest = json.loads(built.warehouse.manifest.read_text())
    groups = {group["name"] for group in manifest["groups"].values() if group["owner"]["email"]}
    owned = [node for node in manifest["nodes"].values() if node["resource_type"] in OWNED]
    owned += [*manifest["semantic_models"].values(), *manifest["metrics"].values()]
    assert len(owned) > len(built.warehouse.models())
    assert [node["unique_id"] for node in owned if node["config"].get("group") not in groups] == []


def test_metrics_equal_plain_python(built: Built) -> None:
    assert_metrics_equal(built.warehouse)


def test_sessions_and_funnels_equal_retentioneering(built: Built) -> None:
    assert_sessions_equal(built.warehouse)
    assert_funnels_equal(built.warehouse)


def test_cohorts_and_customers_equal_pandas(built: Built) -> None:
    assert_cohorts_equal(built.warehouse)
    assert_customers_equal(built.warehouse)


def test_operations_tell_of_a_day_and_of_late_sources(built: Built, tmp_path: Path) -> None:
    said = built.warehouse.dbt("run-operation", "check_data_freshness").stdout
    assert re.search(r"web_events of firehose: loaded 0[.]\d hours ago", said)
    late = built.warehouse.dbt("run-operation", "check_data_freshness", "--args", "{hours: -1}", check=False)
    assert late.returncode == 1
    assert "web_events of firehose" in late.stdout

    day = ("run-operation", "validate_date", "--args", "{date: 2026-01-06}")
    assert built.warehouse.dbt(*day).stdout.count("2026-01-06: ") == 6
    strict = built.warehouse.dbt(*day, "--vars", "{health_quality_score: 1}", check=False)
    assert strict.returncode == 1
    assert "2026-01-06 has an average score below 1" in strict.stdout
    # Of a schema in which an event is lost and another one doubled.
    with built.warehouse.connect() as lake:
        for name in ("fct_web_events", "fct_sessions"):
            lake.execute("create schema if not exists lake.broken")
            lake.execute(f"create table lake.broken.{name} as from lake.analytics.{name}")
        for name in ("stg_web_events", "int_batch_counts"):
            kind = "staging" if name.startswith("stg") else "intermediate"
            lake.execute(f"create schema if not exists lake.broken_{kind}")
            lake.execute(f"create table lake.broken_{kind}.{name} as from lake.analytics_{kind}.{name}")
        of_day = "from lake.broken.fct_web_events where event_date = date '2026-01-06' order by event_id"
        lake.execute(f"insert into lake.broken.fct_web_events {of_day} limit 1")
        lake.execute("delete from lake.broken.fct_sessions where session_date = date '2026-01-06'")
    elsewhere = {"DBT_SCHEMA": "broken", "DBT_TARGET_PATH": str(tmp_path)}
    broken = built.warehouse.dbt(*day, check=False, **elsewhere)
    assert broken.returncode == 1
    for what in ("that fct_web_events does not have", "there twice", "that fct_sessions does not have"):
        assert re.search(rf"2026-01-06: .*{what}: -?[1-9]", broken.stdout), broken.stdout


def test_every_model_is_an_iceberg_table(built: Built) -> None:
    catalog = built.warehouse.catalog()
    listed = {".".join(name) for ns in catalog.list_namespaces() for name in catalog.list_tables(ns)}
    raw = {f"raw.{name}" for name in ("web_events", "transactions", "products", "reviews", "load_batches")}
    tables = set(built.warehouse.models().values()) | raw
    assert tables <= listed
    with built.warehouse.connect() as connection:
        for table in sorted(tables):
            by_pyiceberg = catalog.load_table(table).scan().to_arrow().num_rows
            by_duckdb = connection.execute(f"select count(*) from lake.{table}").fetchone()
            assert (by_pyiceberg,) == by_duckdb, table


def test_building_again_changes_nothing(built: Built) -> None:
    before = built.warehouse.snapshot_ids()
    built.warehouse.dbt("build")
    assert built.warehouse.snapshot_ids() == before


def test_later_batches_equal_a_full_refresh(built: Built) -> None:
    """The next days, late copies and an object that was uploaded again, built batch by batch."""
    warehouse = built.warehouse
    later = built.sample.parent / "later"
    generate_sample(later, events=4_000, days=2, seed=11, first_day=5)
    warehouse.load_sample(later)
    warehouse.dbt("build")

    # Addresses that no event had.
    visits = [{**VISIT, "anonymousId": f"{text:.9}", "context": {"ip": text}} for text in address_ranges.ODD]
    addresses = built.sample.parent / "addresses" / "events.json"
    addresses.parent.mkdir()
    addresses.write_text("\n".join(json.dumps(visit) for visit in visits))
    warehouse.load("historical", addresses)

    # Objects that their store dates before 2000, one of them again: the time of the load stands in.
    undated = built.sample.parent / "undated" / "events.json"
    undated.parent.mkdir()
    for visitors in (("a", "b"), ("b", "c")):
        undated.write_text("".join(UNDATED.format(name=name) for name in visitors))
        set_modified(undated, 315_532_800)  # 1980
        assert warehouse.load("historical", undated)["records"] == 4
    warehouse.dbt("build")
    found = [row for row in warehouse.rows("analytics.fct_web_events") if "/undated/" in row["source_uri"]]
    assert {row["visitor_id"] for row in found} == {"undated-b", "undated-c"}, "the version loaded last"
    assert {row["timestamp_source"] for row in found} == {"event", "arrival"}

    # The same object with its last records gone: the old version is superseded.
    changed = max((built.sample / "archive").rglob("*.json.gz"))
    shorter = built.sample.parent / "shorter"
    shorter.mkdir()
    cut = gunzip_lines(changed)[:-40]
    modified = changed.stat().st_mtime
    changed.write_bytes(b"\n".join(cut) + b"\n")
    set_modified(changed, modified + 60)
    summary = warehouse.load("historical", changed)
    assert summary["records"] > 0
    warehouse.dbt("build")

    assert sum(row["superseded"] for row in warehouse.rows("analytics.load_reconciliation")) > 0
    assert_equal_to_oracle(warehouse)
    assert_commerce_equals_oracle(warehouse)

    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")
    shutil.rmtree(later)


def gunzip_lines(path: Path) -> list[bytes]:
    return [line for line in gzip.decompress(path.read_bytes()).split(b"\n") if line.strip()]


def set_modified(path: Path, timestamp: float) -> None:
    os.utime(path, (timestamp, timestamp))
