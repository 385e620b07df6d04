"""Target `athena`: the unmodified dbt-athena, on the endpoint for tests, ends in the rows of target `local`.

One history, told in the order of the tests: four days, one more, a month at once with changes, one more day.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from analysis_answers import assert_same_answers
from athena_warehouse import GLUE, AthenaWarehouse
from comparison import assert_same_rows, note_equal_rows
from parity import MODIFIED_AT, nasty_events, nasty_products, write_object
from warehouse import assert_unit_tests_pass, copy_project

from loaders.sample import generate_sample

pytestmark = pytest.mark.athena

SCHEMA, LOCAL = "analytics_history", "local_marts"
# Parquet's own overhead of some more small files.
FEW_BYTES = 64 << 10
# What reads more after a longer history, and why.
READ_MORE = {
    "int_loaded_objects": "it compares the whole ledger with what it has",
    "int_sessions": "the merge looks for its sessions in the whole table",
    "fct_sessions": "a visitor's sessions lie on any day",
    "dim_visitors": "it has no date: the merge looks for its visitors in the whole table",
    "load_reconciliation": "it counts by load day, and all of this history is loaded on one day",
}
# Models and snapshots, without their tests.
MODELS = ("--exclude-resource-type", "test", "unit_test")


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landing zone of this history."""
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def bytes_read(request: pytest.FixtureRequest) -> Iterator[dict[str, Counter]]:
    """Bytes that each model read, by batch; shown at the end."""
    found: dict[str, Counter] = {}
    yield found
    request.config.pluginmanager.getplugin("terminalreporter").write_line(report(found))


def report(bytes_read: dict[str, Counter]) -> str:
    """A table: model by batch."""
    models = sorted({model for counts in bytes_read.values() for model in counts})
    lines = ["", f"{'bytes read for a batch after':32}" + "".join(f"{batch:>22}" for batch in bytes_read)]
    lines += [
        f"{model:32}" + "".join(f"{counts[model]:>22,}" for counts in bytes_read.values()) for model in models
    ]
    lines.append(f"{'all':32}" + "".join(f"{counts.total():>22,}" for counts in bytes_read.values()))
    return "\n".join(lines)


def load_days(warehouse: AthenaWarehouse, directory: Path, **options: int) -> None:
    generate_sample(directory, seed=7, **options)
    warehouse.load_sample(directory)


def build(warehouse: AthenaWarehouse, *arguments: str, **environment: str) -> Counter:
    """Build target `athena`; returns the bytes that each model read."""
    before = len(list(warehouse.endpoint.executions))
    warehouse.athena("build", *(arguments or MODELS), DBT_SCHEMA=SCHEMA, **environment)
    counts: Counter = Counter()
    for execution in list(warehouse.endpoint.executions)[before:]:
        if (execution.node or "").startswith("model."):
            counts[execution.node.rpartition(".")[2]] += execution.bytes_read
    return counts


def build_one_day(warehouse: AthenaWarehouse, directory: Path, *, first_day: int) -> Counter:
    """Load and build one more day after maintenance; returns the bytes that each model read."""
    warehouse.maintain(SCHEMA)
    load_days(warehouse, directory, events=200, days=1, first_day=first_day)
    return build(warehouse)


def assert_same_as_local(warehouse: AthenaWarehouse) -> None:
    warehouse.dbt("build", *MODELS, DBT_SCHEMA=LOCAL)
    counts = assert_same_rows(warehouse, SCHEMA, LOCAL, same_history=True, catalog=GLUE)
    note_equal_rows("athena", counts)


def change_objects(warehouse: AthenaWarehouse, objects: Path, version: int) -> None:
    """Upload two objects again, with other content."""
    at = MODIFIED_AT + timedelta(hours=version)
    brand = f'"brand":"version {version}","price":'.encode()
    write_object(objects / "events" / "nasty.json", nasty_events()[version :: 3 + version], at)
    products = [line.replace(b'"price":', brand) for line in nasty_products()[:: 3 + version]]
    write_object(objects / "products" / "nasty.json", products, at)
    warehouse.load("firehose", objects / "events")
    warehouse.load("historical", objects / "products", "products")


def test_full_build(athena: AthenaWarehouse, objects: Path) -> None:
    load_days(athena, objects / "first", events=800, days=4)
    change_objects(athena, objects, 0)
    # In parts: that one statement will do is tried by the batches that follow.
    build(athena, *MODELS, ATHENA_FORCE_BATCH="true")
    assert_same_as_local(athena)


def test_one_more_day(athena: AthenaWarehouse, objects: Path, bytes_read: dict[str, Counter]) -> None:
    bytes_read["4 days of history"] = build_one_day(athena, objects / "second", first_day=4)
    assert_same_as_local(athena)


def test_building_again_writes_nothing(athena: AthenaWarehouse) -> None:
    before = athena.glue_snapshot_ids()
    build(athena)
    assert athena.glue_snapshot_ids() == before


@pytest.mark.long
def test_analyses_answer_alike(athena: AthenaWarehouse) -> None:
    assert_same_answers(athena, athena.athena, athena.athena_cursor(), schema=SCHEMA, local=LOCAL)


@pytest.mark.long
def test_changed_products_and_objects_and_more_than_100_partitions_at_once(
    athena: AthenaWarehouse, objects: Path
) -> None:
    load_days(athena, objects / "month", events=1_500, days=30, first_day=5)
    change_objects(athena, objects, 1)
    before = len(list(athena.endpoint.executions))
    build(athena)
    refused = [
        execution.node
        for execution in list(athena.endpoint.executions)[before:]
        if execution.state == "FAILED"
    ]
    assert refused == ["model.web_events_lakehouse.fct_web_events"]
    assert_same_as_local(athena)


@pytest.mark.long
def test_a_batch_reads_no_more_after_a_longer_history(
    athena: AthenaWarehouse, objects: Path, bytes_read: dict[str, Counter]
) -> None:
    bytes_read["35 days of history"] = build_one_day(athena, objects / "last", first_day=35)
    assert_same_as_local(athena)
    short, long = bytes_read["4 days of history"], bytes_read["35 days of history"]
    # In days the history is nine times as long.
    grown = {model for model in long if long[model] > 1.2 * short[model] + FEW_BYTES}
    assert grown <= READ_MORE.keys(), report(bytes_read)


def test_maintenance_keeps_the_rows(athena: AthenaWarehouse, objects: Path) -> None:
    change_objects(athena, objects, 2)
    build(athena)
    before = athena.glue_catalog().load_table((SCHEMA, "fct_web_events"))
    files = before.inspect.data_files().num_rows
    assert before.inspect.delete_files().num_rows > 0
    athena.command(
        *("python", "-m", "loaders", "maintain", f"{SCHEMA}.fct_web_events", "--engine", "athena"),
        **athena.endpoint.environment(),
    )
    after = athena.glue_catalog().load_table((SCHEMA, "fct_web_events"))
    assert after.inspect.delete_files().num_rows == 0
    assert after.inspect.data_files().num_rows < files
    assert_same_as_local(athena)


def test_full_refresh_of_one_model(athena: AthenaWarehouse) -> None:
    namespace, name = f"{SCHEMA}_intermediate", "int_web_events_deduplicated"
    before = athena.glue_catalog().load_table((namespace, name))
    build(athena, *MODELS, "--full-refresh", "--select", name)
    after = athena.glue_catalog().load_table((namespace, name))
    assert after.metadata.table_uuid != before.metadata.table_uuid
    assert_same_rows(athena, SCHEMA, LOCAL, catalog=GLUE)
    left_over = {table for _, table in athena.glue_catalog().list_tables(namespace) if "__dbt" in table}
    assert not left_over


def test_a_new_column_is_added_to_the_table(athena: AthenaWarehouse, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    model = project / "models/intermediate/commerce/int_product_daily.sql"
    sql = model.read_text()
    assert sql.count("as purchases\n") == 1
    model.write_text(
        sql.replace("as purchases\n", "as purchases,\n        max(event_timestamp) as last_event_at\n")
    )
    described = project / "models/intermediate/commerce/_commerce__models.yml"
    before, entry, after = described.read_text().partition("  - name: int_product_daily\n")
    first = "      - name: product_id\n"
    assert entry
    described.write_text(before + entry + after.replace(first, f"      - name: last_event_at\n{first}", 1))
    build(athena, *MODELS, "--select", "int_product_daily", "--project-dir", str(project))
    table = athena.glue_catalog().load_table((f"{SCHEMA}_intermediate", "int_product_daily"))
    assert str(table.schema().find_field("last_event_at").field_type) == "timestamp"
    counts = "count(*) as n, count(last_event_at) as filled"
    rows = athena.rows(f"{SCHEMA}_intermediate.int_product_daily", counts, GLUE)
    assert rows[0]["n"] > 0
    assert rows[0]["filled"] == 0, "only new batches fill the column"
    build(athena, *MODELS, "--full-refresh", "--select", "int_product_daily", "--project-dir", str(project))
    rows = athena.rows(f"{SCHEMA}_intermediate.int_product_daily", counts, GLUE)
    assert rows[0]["n"] == rows[0]["filled"] > 0
    # Without the column again, for the tests that follow.
    build(athena, *MODELS, "--full-refresh", "--select", "int_product_daily")


@pytest.mark.long
def test_data_tests_pass_on_athena(athena: AthenaWarehouse) -> None:
    athena.athena("test", "--exclude-resource-type", "unit_test", DBT_SCHEMA=SCHEMA)


@pytest.mark.long
def test_unit_tests_pass_on_athena(athena: AthenaWarehouse) -> None:
    """Those of staging apart, whose records `make parity` compares on Trino."""
    assert_unit_tests_pass(athena.athena, "--exclude", "stg_web_events,test_type:unit", DBT_SCHEMA=SCHEMA)


def test_docs_and_source_freshness(athena: AthenaWarehouse) -> None:
    athena.athena("docs", "generate", DBT_SCHEMA=SCHEMA)
    target = Path(athena.environment["DBT_TARGET_PATH"])
    catalog = json.loads((target / "catalog.json").read_text())
    described = {node["metadata"]["name"] for node in catalog["nodes"].values() if node["columns"]}
    assert set(athena.models()) <= described
    assert len(catalog["sources"]) == 5
    athena.athena("source", "freshness", DBT_SCHEMA=SCHEMA)
    found = json.loads((target / "sources.json").read_text())["results"]
    assert {result["status"] for result in found} <= {"pass", "warn"}
