"""One code base, two engines: the models of target `trino` hold the rows that those of target `local` hold.

Three batches are loaded, and two schemas built from the same raw tables: one by DuckDB, one by Trino. They
must agree after each batch. Trino's second build is one that was killed before it wrote its books; for the
third batch the engines hand their schemas to each other.
"""

from __future__ import annotations

import json
import math
import random
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import address_ranges
import agent_lists
import pyarrow as pa
import pytest
from analysis_answers import assert_same_answers
from comparison import assert_same_rows, note_equal_rows
from hostile_values import all_values, read_places, valid_records, write_hostile
from metric_queries import Metrics
from parity import MODIFIED_AT, append_unit_test_records, nasty_events, nasty_products, write_object
from planted_persons import KEY, keyed_hash
from real_events import write_inputs
from trino_available import (
    SHORT_LIVED,
    TRINO_PACKAGES,
    cannot_fetch_trino,
    missing_for_trino,
    missing_packages,
)
from warehouse import Warehouse, assert_unit_tests_pass

from loaders.lakehouse import trino
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.trino import TrinoSettings
from loaders.sample import DEFAULT_START, generate_sample
from loaders.sample.exports import write_exports
from oracle.addresses import country_of, ranges_of
from oracle.knowledge import knowledge_of

pytestmark = pytest.mark.trino


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A lakehouse with a Trino server on it."""
    reason = missing_packages(TRINO_PACKAGES, "make parity") or missing_for_trino() or cannot_fetch_trino()
    if reason:
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("parity")
    warehouse = Warehouse(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    warehouse.environment |= {"TRINO_HOST": "127.0.0.1", "TRINO_PORT": str(port), "TRINO_CATALOG": "lake"}
    try:
        trino.start(trino_settings(warehouse))
        yield warehouse
    finally:
        trino.stop(trino_settings(warehouse))
        warehouse.close()


def trino_settings(warehouse: Warehouse) -> TrinoSettings:
    port = int(warehouse.environment["TRINO_PORT"])
    return TrinoSettings(warehouse.settings, port, memory_megabytes=2048, java_options=SHORT_LIVED)


def load_sample(warehouse: Warehouse, directory: Path, **options: int) -> None:
    generate_sample(directory, seed=7, **options)
    warehouse.load_sample(directory)


def build(warehouse: Warehouse, target: str, schema: str, *, with_tests: bool = False) -> None:
    left_out = ("unit_test",) if with_tests else ("unit_test", "test")
    warehouse.dbt("build", "--exclude-resource-type", *left_out, "--target", target, DBT_SCHEMA=schema)


def test_every_history_of_batches_is_the_same_on_both(both: Warehouse, tmp_path: Path) -> None:
    objects = tmp_path / "objects"
    events, products = nasty_events(), nasty_products()

    def first() -> None:
        load_sample(both, tmp_path / "first", events=1_500, days=3)
        both.dbt("parse")
        assert append_unit_test_records(both.catalog(), both.manifest) > 100
        write_inputs(tmp_path / "real")
        write_exports(tmp_path / "real", events=200, seed=3, start=DEFAULT_START)
        both.load("firehose", tmp_path / "real" / "events")
        both.load("historical", tmp_path / "real" / "csv")
        places = read_places(both)
        templates = valid_records(tmp_path / "valid", places)
        write_hostile(tmp_path / "hostile", places, templates, per_path=2, long=3)
        both.load("firehose", tmp_path / "hostile" / "events")
        both.load("historical", tmp_path / "hostile" / "csv")
        write_object(objects / "events" / "nasty.json", events)
        write_object(objects / "events" / "half.json", events[: len(events) // 2])
        write_object(objects / "products" / "nasty.json", products)
        write_object(objects / "events" / "undated.json", events[::7], datetime(1980, 1, 1, tzinfo=UTC))

    def second() -> None:
        """The next day, and objects again: newer without some records, and older."""
        load_sample(both, tmp_path / "second", events=500, days=1, first_day=3)
        write_object(objects / "events" / "nasty.json", events[::3], MODIFIED_AT + timedelta(hours=1))
        write_object(objects / "events" / "half.json", events[5:90], MODIFIED_AT - timedelta(hours=1))
        changed = [line.replace(b'"price":', b'"brand":"new","price":') for line in products[::2]]
        write_object(objects / "products" / "nasty.json", changed, MODIFIED_AT + timedelta(hours=1))

    def third() -> None:
        """Late copies only."""
        write_object(objects / "events" / "late.json", events[::-2], MODIFIED_AT + timedelta(hours=2))
        write_object(objects / "products" / "late.json", products[::5], MODIFIED_AT + timedelta(hours=2))

    def load(batch: Callable[[], None]) -> None:
        batch()
        both.load("firehose", objects / "events")
        both.load("historical", objects / "products", "products")

    load(first)
    build(both, "local", "parity_local")
    build(both, "trino", "parity_trino")
    assert_same_rows(both, "parity_trino", "parity_local", same_history=True)

    load(second)
    build(both, "local", "parity_local")
    before = both.snapshot_ids()
    build(both, "trino", "parity_trino")
    assert_same_rows(both, "parity_trino", "parity_local", same_history=True)
    both.take_back_books(before)

    load(third)
    build(both, "local", "parity_trino")
    build(both, "trino", "parity_local", with_tests=True)
    counts = assert_same_rows(both, "parity_trino", "parity_local", same_history=True)
    note_equal_rows("trino", counts)


def test_building_again_changes_nothing(both: Warehouse) -> None:
    before = both.snapshot_ids()
    build(both, "trino", "parity_trino")
    assert both.snapshot_ids() == before


@pytest.mark.long
def test_analyses_answer_alike(both: Warehouse) -> None:
    """Both engines read the tables of one schema."""
    from trino.dbapi import connect

    settings = trino_settings(both)
    by_trino = partial(both.dbt, DBT_TARGET="trino")
    with connect(host="127.0.0.1", port=settings.port, user="dbt", catalog=trino.CATALOG) as connection:
        cursor = connection.cursor()
        assert_same_answers(both, by_trino, cursor, schema="parity_trino", local="parity_trino")


def test_trino_maintains_what_both_engines_wrote(both: Warehouse) -> None:
    tables = [f"parity_trino.{name}" for _, name in both.catalog().list_tables("parity_trino")]
    done = both.command("python", "-m", "loaders", "maintain", *tables, "--engine", "trino", "--json")
    reports = json.loads(done.stdout)
    assert len(reports) == len(tables)
    for report in reports:
        assert report["error"] is None
        assert report["delete_files_after"] == 0
        # Trino expires nothing that is younger than 7 days.
        assert report["snapshots_after"] >= report["snapshots"]
    before, after = (sum(report[key] for report in reports) for key in ("data_files", "data_files_after"))
    assert after < before
    assert_same_rows(both, "parity_trino", "parity_local", same_history=True)


def test_full_refresh_on_trino_equals_its_history(both: Warehouse) -> None:
    """Of some models, in place of the tables that are there; DuckDB's are all refreshed in other tests."""
    refreshed = ("int_web_events_sessionized", "fct_web_events", "dim_visitors", "hourly_revenue")
    both.dbt(
        *("run", "--full-refresh", "--target", "trino", "--select", *refreshed), DBT_SCHEMA="parity_trino"
    )
    assert_same_rows(both, "parity_trino", "parity_local")
    both.dbt("docs", "generate", "--target", "trino", DBT_SCHEMA="parity_trino")


def test_metrics_have_the_same_values_on_trino(both: Warehouse) -> None:
    """All metrics over everything, by the SQL that MetricFlow writes for each engine."""
    both.dbt("parse", "--target", "trino", DBT_SCHEMA="parity_trino")
    with both.connect() as lake:
        metrics = Metrics(both, lake)
        by_duckdb = metrics.values()
        (by_trino,) = trino.start(trino_settings(both)).query(metrics.sql(metrics.names, trino=True))
    different = {
        name: (value, by_trino[place])
        for place, (name, value) in enumerate(by_duckdb.items())
        if (value is None) != (by_trino[place] is None)
        or (value is not None and not math.isclose(float(value), float(by_trino[place]), rel_tol=1e-9))
    }
    assert not different
    assert len(by_duckdb) == len(by_trino) == len(metrics.names)


def test_user_agents_are_matched_alike(both: Warehouse) -> None:
    """Every crawler of the list by which the rules are measured, and odd texts; events have few agents."""
    agents = [*agent_lists.crawlers(), *agent_lists.ODD]
    found = {}
    with both.connect() as connection:
        connection.execute("create schema lake.agents")
        connection.register("listed", agent_lists.agents_table(agents))
        connection.execute("create table lake.agents.agents as select * from listed")
        for target in ("local", "trino"):
            both.dbt(
                "compile", "--select", "dim_user_agents", "--target", target, DBT_SCHEMA=f"parity_{target}"
            )
            found[target] = agent_lists.select_of_agents(both, "lake.agents.agents")
        by_duckdb = connection.execute(found["local"]).fetchall()
    by_trino = trino.start(trino_settings(both)).query(found["trino"])
    assert sorted(map(tuple, by_trino), key=str) == sorted(by_duckdb, key=str)
    assert len(by_duckdb) == len(agents)


def test_addresses_are_read_as_python_reads_them(both: Warehouse) -> None:
    """The SELECTs of both engines, on ranges and addresses that no event has."""
    chance = random.Random(1)
    known = knowledge_of()
    tables = [address_ranges.RANGES, *(address_ranges.random_ranges(chance) for _ in range(3))]
    server = trino.start(trino_settings(both))
    with both.connect() as connection:
        connection.execute("create schema lake.addresses")
        seed = f"read_csv('{PROJECT_ROOT / 'seeds/countries.csv'}', header = true, all_varchar = true)"
        connection.execute(f"create table lake.addresses.countries as from {seed}")
        for number, ranges in enumerate(tables):
            read = ranges_of(address_ranges.as_rows(ranges), known.country_code)
            texts = [*address_ranges.at_edges(read), *address_ranges.ODD]
            address_ranges.fill(connection, f"lake.addresses.ranges_{number}", ranges)
            records = f"lake.addresses.records_{number}"
            connection.execute(f"create table {records} (ip_address varchar, rejection_reason varchar)")
            connection.executemany(f"insert into {records} values (?, null)", [(text,) for text in texts])
    variables = json.dumps(address_ranges.VARIABLES)
    both.dbt(
        *("compile", "--select", "int_address_ranges", "int_address_countries"),
        *("--target", "trino", "--vars", variables),
        DBT_SCHEMA="parity_trino",
    )
    for number, ranges in enumerate(tables):
        read = ranges_of(address_ranges.as_rows(ranges), known.country_code)
        points = f"lake.addresses.points_{number}"
        of_ranges, of_addresses = address_ranges.selects(
            both,
            {
                "ip_ranges": f"lake.addresses.ranges_{number}",
                "countries": "lake.addresses.countries",
                "int_address_ranges": points,
                "stg_web_events": f"lake.addresses.records_{number}",
            },
        )
        server.query(f"create table {points} as {of_ranges}")
        found = dict(map(tuple, server.query(of_addresses)))
        assert found == {text: country_of(text, read) for text in found}
        assert len(found) > len(address_ranges.ODD)


def test_masked_values_are_alike(both: Warehouse) -> None:
    """A hash is also what Python computes by the key."""
    odd = {*agent_lists.ODD, *(json.loads(text) for text in all_values() if text.startswith('"'))}
    odd = sorted(text for text in odd if not any("\ud800" <= character <= "\udfff" for character in text))
    addresses = [f"{text}a.{text}@b.example {text} c%2540d.example" for text in odd]
    urls = [f"//u:p@h.example/{text}%40{text}?q=x&utm_term={text}&gclid={text}#{text}" for text in odd]
    columns = ", ".join(f"{{{{ masked_value('{way}', 'clear') }}}}" for way in ("hash", "text", "url"))
    select = f"select clear, {columns} from lake.masking.texts"
    select = f"{{% set sql %}}{select}{{% endset %}}{{{{ key_in_place(sql) }}}}"
    found = {}
    with both.connect() as connection:
        connection.execute("create schema lake.masking")
        connection.register("listed", pa.table({"clear": pa.array([*odd, *addresses, *urls], pa.string())}))
        connection.execute("create table lake.masking.texts as select distinct * from listed")
        for target in ("local", "trino"):
            compiled = both.dbt(
                *("--quiet", "compile", "--inline", select, "--target", target),
                *("--vars", "{masked_targets: [local, trino]}"),
                MASKING_KEY=KEY,
                DBT_SCHEMA=f"parity_{target}",
            )
            found[target] = compiled.stdout
        by_duckdb = connection.execute(found["local"]).fetchall()
    by_trino = trino.start(trino_settings(both)).query(found["trino"])
    assert sorted(map(tuple, by_trino)) == sorted(by_duckdb)
    assert len(by_duckdb) > 200
    for clear, hashed, *_ in by_duckdb:
        assert hashed == keyed_hash(clear)


def test_unit_tests_pass_on_trino(both: Warehouse) -> None:
    """Those of staging apart: the records that they give are among the first that are compared above."""
    exclude = ("--exclude", "stg_web_events,test_type:unit")
    assert_unit_tests_pass(both.dbt, *exclude, DBT_TARGET="trino", DBT_SCHEMA="parity_trino")
