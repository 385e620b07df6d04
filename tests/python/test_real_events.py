"""Events as people have them: inputs that went wrong, variants, and exports of other trackers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from real_events import write_inputs
from scans import files_read
from warehouse import MARTS, Row, Warehouse, copy_project

from loaders.lakehouse.json_functions import opened_json
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.sample.exports import write_exports
from oracle import compute

START = date(2026, 1, 5)
EXPORTED = ("segment", "ga4", "snowplow", "amplitude", "rees46")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A lakehouse with the inputs, their variants and the exports, built once."""
    home = tmp_path_factory.mktemp("real")
    write_inputs(home / "inputs")
    write_space_types(home / "inputs" / "events" / "space-types.json")
    write_exports(home / "exports", events=1_000, seed=3, start=START)
    warehouse = Warehouse(home, left_out=MARTS)
    try:
        for folder in ("inputs", "exports"):
            warehouse.load("firehose", home / folder / "events")
            warehouse.load("historical", home / folder / "csv")
        warehouse.dbt("build")
        yield warehouse
    finally:
        warehouse.close()


def write_space_types(path: Path) -> None:
    """Events of one day with 300 space types, some longer than a path may be."""
    types = [f"type {number}" for number in range(298)] + ["x" * 900, "広" * 100]
    events = [
        {
            "type": "page",
            "anonymousId": f"of-{number}",
            "timestamp": "2026-01-02T10:00:00Z",
            "properties": {"spaceType": name},
        }
        for number, name in enumerate(types)
    ]
    path.write_text("\n".join(json.dumps(event) for event in events))


@pytest.fixture(scope="module")
def facts(real: Warehouse) -> dict[str, list[Row]]:
    """The events of each object, in the order of its records."""
    by_object: dict[str, list[Row]] = {}
    for row in sorted(real.rows("analytics.fct_web_events"), key=lambda row: row["source_position"]):
        by_object.setdefault(Path(row["source_uri"]).name, []).append(row)
    return by_object


@pytest.fixture(scope="module")
def reasons(real: Warehouse) -> dict[str, dict[int, str]]:
    """Why records were rejected, by object and position."""
    by_object: dict[str, dict[int, str]] = {}
    for row in real.rows("analytics.rejected_events"):
        by_object.setdefault(Path(row["source_uri"]).name, {})[row["source_position"]] = row[
            "rejection_reason"
        ]
    return by_object


def test_ids_that_everybody_shares_are_none(facts: dict[str, list[Row]], reasons: dict[str, Any]) -> None:
    assert len({row["event_id"] for row in facts["03b-constant-id.json"]}) == 6
    for row in facts["07-shared-ids.json"]:
        if row["event_id"].split("-")[1] in {"0", "1", "2", "3", "4", "5", "11"}:
            assert row["visitor_id"] == row["user_id"] == row["event_id"].replace("sh", "user")
    marks = facts["07b-csv-null-marks.csv"]
    assert [row["visitor_id"] for row in marks] == ["u-nulltime", "u-ntime", "u-nat"]
    assert {row["timestamp_source"] for row in marks} == {"arrival"}
    assert set(reasons["07b-csv-null-marks.csv"].values()) == {"no_visitor_id"}


def test_space_types_make_few_partitions_and_still_prune(
    real: Warehouse, facts: dict[str, list[Row]]
) -> None:
    found = {row["space_type"] for row in facts["space-types.json"]}
    assert len(found) == 300
    assert {"x" * 900, "広" * 100} <= found
    table = real.catalog().load_table("analytics.fct_web_events")
    files = [task.file for task in table.scan(row_filter="event_date = '2026-01-02'").plan_files()]
    assert 1 < len({str(file.partition) for file in files}) <= 9
    assert max(len(file.file_path) for file in files) < 300
    with real.connect() as lake:
        query = "select * from lake.analytics.fct_web_events where event_date = date '2026-01-02'"
        (_, whole_day), *_ = files_read(lake, query)
        (_, one_type), *_ = files_read(lake, f"{query} and space_type = 'type 7'")
    assert one_type < whole_day


def test_mongodbs_wrappers_are_read(facts: dict[str, list[Row]]) -> None:
    first, *_, text_id, binary_id = facts["04-mongo-canonical.json"]
    assert (first["revenue"], first["user_id"]) == (Decimal("39.98"), "4711")
    assert first["coordinates"] == {"pitch": 12.5, "yaw": -3.0, "hfov": 90.0}
    assert text_id["event_id"] == "own-text-id"
    assert binary_id["event_id"] == "AAECAwQFBgcICQoLDA0ODw=="


def test_objects_that_hold_a_time_are_read(facts: dict[str, list[Row]], reasons: dict[str, Any]) -> None:
    rows = {row["anonymous_id"]: row for row in facts["05-time-objects.json"]}
    for name in ("firestore", "proto", "long", "bsonts", "numdouble"):
        assert rows[f"to-{name}"]["event_timestamp"] == datetime(2025, 11, 20, 10), name
    assert rows["to-datenull"]["timestamp_source"] == "arrival"
    assert reasons["05-time-objects.json"] == {4: "unreadable_timestamp", 5: "unreadable_timestamp"}
    assert reasons["14b-offset-99.json"] == {0: "unreadable_timestamp"}


def test_csv_files_of_others_are_read(real: Warehouse, facts: dict[str, list[Row]]) -> None:
    rows = facts["06-rees46.csv"]
    assert [row["event_action"] for row in rows] == [
        "product_view",
        "add_to_cart",
        "purchase",
        "product_view",
    ]
    assert rows[2]["revenue"] == Decimal("120.50")
    assert rows[0]["event_timestamp"] == datetime(2019, 11, 4, 8, 15)
    assert len({row["session_id"] for row in rows}) == 2
    (row,) = facts["08-csv-json-column.csv"]
    assert (row["revenue"], row["product_id"], row["source_country"]) == (Decimal("39.98"), "p24", "NO")
    assert [(row["visitor_id"], row["revenue"]) for row in facts["15-padded.csv"]] == [
        ("u87", Decimal("19.00"))
    ] * 2


def test_segments_context_and_products_are_read(facts: dict[str, list[Row]]) -> None:
    rows = facts["10-segment-context.json"]
    assert rows[0]["page_path"] == "/lamps"
    assert rows[0]["referrer_url"] == "https://search.example/"
    assert rows[0]["user_agent"] == "Mozilla/5.0 (X11) Test"
    assert [row["revenue"] for row in rows if row["event_action"] == "purchase"] == [Decimal("45.00")]
    assert {row["event_date"] for row in rows[5:]} == {date(2026, 11, 19)}


def test_envelopes_are_read_or_told(facts: dict[str, list[Row]], reasons: dict[str, Any]) -> None:
    assert [row["event_id"] for row in facts["12e-envelope-urlsafe.json"]] == ["m-envurl"]
    assert reasons["12b-envelope-two-events-in-data.json"] == {0: "several_events_in_envelope"}


def test_all_spellings_of_an_action_count(facts: dict[str, list[Row]]) -> None:
    actions = Counter(row["event_action"] for row in facts["17-event-types.json"])
    assert actions == {
        "purchase": 6, "checkout_start": 1, "product_view": 3, "add_to_cart": 3, "page_view": 3,
    }  # fmt: skip


@pytest.mark.parametrize("name", EXPORTED)
def test_an_export_goes_through_to_facts_sessions_and_revenue(real: Warehouse, name: str) -> None:
    """1,000 events, against the independent computation of their object alone."""
    raw = [row for row in real.rows("raw.web_events") if Path(row["source_uri"]).stem == name]
    ids = {
        (row["source_uri"], row["source_position"]): row["event_id"]
        for row in real.rows("analytics_staging.stg_web_events", "source_uri, source_position, event_id")
    }
    expected = compute(raw, event_ids=ids)
    rows = {
        row["source_position"]: row
        for row in real.rows("analytics.fct_web_events")
        if Path(row["source_uri"]).stem == name
    }
    assert len(rows) == len(expected.events) == 1_000
    assert {row["source_format"] for row in rows.values()} == {name}
    assert expected.duplicates == len(raw) - 1_000 > 0
    for event in expected.events:
        row = rows[event["source_position"]]
        assert {key: row[key] for key in event if key in row and key != "event_id"} == {
            key: value for key, value in event.items() if key in row and key != "event_id"
        }
    assert all(row["event_action"] for row in rows.values())
    purchases = [row["revenue"] for row in rows.values() if row["revenue"] is not None]
    assert len(purchases) > 10
    assert sum(purchases) == sum(event["revenue"] or 0 for event in expected.events) > 100
    assert len({row["session_id"] for row in rows.values()}) == len(expected.sessions)


def test_what_variants_of_the_inputs_become(facts: dict[str, list[Row]], reasons: dict[str, Any]) -> None:
    expected = json.loads((PROJECT_ROOT / "tests/python/real_events/variants_expected.json").read_text())
    got = {
        str(row["source_position"]): {key: str(row[key]) for key in wanted if key != "reason"}
        for row in facts["variants.json"]
        if (wanted := expected.get(str(row["source_position"])))
    } | {str(position): {"reason": reason} for position, reason in reasons["variants.json"].items()}
    assert got == expected


@pytest.mark.parametrize(
    ("record", "opened"),
    [
        ({"properties": '{"a":1.50}'}, {"properties": {"a": 1.5}}),
        ({"properties": "{no json}"}, {"properties": "{no json}"}),
        ({"properties": '{"a":NaN}'}, {"properties": '{"a":NaN}'}),
        (
            {"properties": {"items": '[{"b":12345678901234567890}]'}},
            {"properties": {"items": [{"b": 12345678901234567890}]}},
        ),
        ({"other": '{"a":1}'}, {"other": '{"a":1}'}),
        (
            {"properties": [{"key": "a", "value": 1}, {"key": "a", "value": {"int_value": "2"}}]},
            {"properties": {"a": "2"}},
        ),
        ({"timestamp": {"_seconds": 5, "_nanoseconds": 999}}, {"timestamp": "5.000000"}),
        ({"timestamp": {"seconds": -5}}, {"timestamp": "-5.000000"}),
        ({"timestamp": {"seconds": 5.5}}, {"timestamp": {"seconds": 5.5}}),
        ({"timestamp": {"seconds": True}}, {"timestamp": {"seconds": True}}),
    ],
)
def test_what_duckdb_opens(record: dict[str, Any], opened: dict[str, Any]) -> None:
    text = json.dumps(record, separators=(",", ":"))
    found = opened_json([text], [["properties"], ["items"]], ["timestamp"])
    assert json.loads(found[0].as_py()) == opened


def test_seeds_are_made_once_and_follow_their_file(real: Warehouse, tmp_path: Path) -> None:
    def spellings() -> list[tuple[str, str]]:
        rows = real.rows("analytics_seeds.missing_values")
        return sorted((row["missing_text"], row["missing_for"]) for row in rows)

    with (PROJECT_ROOT / "seeds/missing_values.csv").open(newline="") as file:
        expected = sorted((row["missing_text"], row["missing_for"]) for row in csv.DictReader(file))
    assert spellings() == expected
    before = real.snapshot_ids()
    with real.connect() as connection:
        connection.execute("delete from lake.analytics_seeds.missing_values where missing_for = 'session_id'")
        connection.execute(
            "insert into lake.analytics_seeds.missing_values values ('x', 'everything', 'a test')"
        )
    real.dbt("seed")
    assert spellings() == expected
    again = real.snapshot_ids()
    changed = {name for name in before if before[name] != again[name]}
    assert changed == {"analytics_seeds.missing_values"}
    real.dbt("seed")
    assert real.snapshot_ids() == again


def test_a_property_of_ones_own_is_a_column_by_one_entry(real: Warehouse, tmp_path: Path) -> None:
    """Appended to the tables that exist by the next run, filled for what comes in."""
    copy = copy_project(tmp_path / "project")
    models = copy / "models/marts/core/_core__models.yml"
    entry = """
      - name: plan_price
        description: What the plan costs.
        data_type: decimal(9, 3)
        config:
          meta:
            paths: {amplitude: user_properties.price, any: [plan.price]}
      - name: processed_timestamp
"""
    text = models.read_text()
    assert text.count("\n      - name: processed_timestamp\n") == 1
    models.write_text(text.replace("\n      - name: processed_timestamp\n", entry))
    records = [
        {
            "event_type": "a",
            "amplitude_id": 1,
            "device_id": "own-1",
            "user_properties": {"price": " 1.2345 "},
        },
        {"event_type": "b", "user_id": "own-2", "plan": '{"price": {"$numberDouble": "7"}}'},
        {"event_type": "c", "user_id": "own-3", "plan": {"price": "much"}},
    ]
    path = tmp_path / "own" / "own.json"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    real.load("firehose", path.parent)
    real.dbt("run", "--project-dir", str(copy), "--profiles-dir", str(PROJECT_ROOT))
    prices = {
        row["visitor_id"]: row["plan_price"]
        for row in real.rows("analytics.fct_web_events")
        if row["visitor_id"].startswith("own-") or row["plan_price"] is not None
    }
    assert prices == {"own-1": Decimal("1.235"), "own-2": Decimal("7.000"), "own-3": None}
