"""A masked target: its tables hold no personal value, and all that follows from one is as it was."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import address_ranges
import planted_persons
import pytest
from hostile_values import read_places, valid_records
from planted_persons import KEY, keyed_hash, masked_row
from warehouse import Row, Warehouse

from loaders.sample import generate_sample

PLACE = ("source_uri", "source_position")
CLEAR = ("--vars", json.dumps(address_ranges.VARIABLES))
MASKED = ("--vars", json.dumps({"masked_targets": ["local"], **address_ranges.VARIABLES}))
# Half of the addresses that are planted.
RANGES = [("198.51.100.0/25", None, "DE")]
STAGING = ("stg_web_events", "stg_transactions", "stg_reviews", "stg_products")
# What the masked tables are compared with.
CLEAR_MODELS = tuple(
    f"+{name}"
    for name in (
        "fct_sessions",
        "fct_web_events",
        "fct_event_products",
        "customer_lifetime_value",
        "dim_users",
    )
)
# They say who and when, so they differ by design or by the minute.
OTHERS = frozenset({"session_id", "event_id", "processed_timestamp", "source_session_id"})


@dataclass
class Built:
    """One set of raw records, built clear and masked, the latter in two batches."""

    warehouse: Warehouse

    def both(self, table: str, key: tuple[str, ...]) -> Iterator[tuple[Row, Row]]:
        """The rows of a table, clear and masked, by columns that masking leaves alone."""
        clear, masked = (
            {tuple(row[column] for column in key): row for row in self.warehouse.rows(f"{schema}{table}")}
            for schema in ("analytics", "masked")
        )
        assert clear.keys() == masked.keys()
        assert clear, f"{table} is empty"
        return ((row, masked[place]) for place, row in clear.items())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    home = tmp_path_factory.mktemp("masking")
    generate_sample(home / "sample", events=1_500, days=3, seed=9)
    warehouse = Warehouse(home)
    try:
        with warehouse.connect() as connection:
            connection.execute("create schema lake.reference")
            address_ranges.fill(connection, f"lake.{address_ranges.TABLE}", RANGES)
        places = read_places(warehouse)
        events = list(planted_persons.planted_events(places, valid_records(home / "valid", places)))
        for half in range(2):
            path = planted_persons.write(home / "landing" / str(half) / "events.json", events[half::2])
            warehouse.load("firehose", path.parent)
            for dataset, records in planted_persons.planted_shop().items():
                lines = map(json.dumps, records[half::2])
                path = planted_persons.write(home / "landing" / str(half) / f"{dataset}.json", lines)
                warehouse.load("historical", path, dataset)
            if not half:
                first = ("+dim_user_agents", *STAGING)
                warehouse.dbt("run", *MASKED, "--select", *first, DBT_SCHEMA="masked", MASKING_KEY=KEY)
        warehouse.load_sample(home / "sample")
        warehouse.dbt("build", *MASKED, DBT_SCHEMA="masked", MASKING_KEY=KEY)
        warehouse.dbt("run", *CLEAR, "--select", *CLEAR_MODELS)
        shutil.copytree(warehouse.environment["DBT_TARGET_PATH"], home / "clear_state")
        yield Built(warehouse)
    finally:
        warehouse.close()


def texts_of_tables(warehouse: Warehouse, schema: str) -> dict[str, list[str]]:
    """The different values of each column with text, also in structs and lists, of all that dbt wrote."""
    catalog = warehouse.catalog()
    namespaces = [name for name in catalog.list_namespaces() if name[0].split("_")[0] == schema]
    found = {}
    with warehouse.connect() as connection:
        for table in (".".join(name) for namespace in namespaces for name in catalog.list_tables(namespace)):
            for column, data_type, *_ in connection.execute(f"describe lake.{table}").fetchall():
                if "VARCHAR" in data_type:
                    values = f'select distinct cast("{column}" as varchar) from lake.{table}'
                    rows = connection.execute(f'{values} where "{column}" is not null').fetchall()
                    found[f"{table.removeprefix(schema)}.{column}"] = [value for (value,) in rows]
    return found


def test_no_table_has_a_personal_value(built: Built) -> None:
    """None that was planted, and no id or agent of the sample; the clear tables have them."""
    clear, masked = (texts_of_tables(built.warehouse, schema) for schema in ("analytics", "masked"))
    assert clear.keys() < masked.keys()
    assert len(masked) > 300
    leaks = [
        {
            column
            for column, values in texts.items()
            if any(mark in value.lower() for value in values for mark in planted_persons.MARKS)
        }
        for texts in (clear, masked)
    ]
    assert len(leaks[0]) > 60
    assert leaks[1] == set()

    persons = {
        value
        for column in ("stg_web_events.visitor_id", "stg_web_events.user_id", "stg_transactions.customer_id")
        for value in clear[f"_staging.{column}"]
        if len(value) > 5
    } | set(clear["_staging.stg_web_events.user_agent"])
    assert len(persons) > 300
    for column, values in masked.items():
        joined = "\n".join(values)
        assert not [value for value in persons if value in joined], column


def test_staging_is_masked_as_python_masks_it(built: Built) -> None:
    for model in STAGING:
        for clear, masked in built.both(f"_staging.{model}", PLACE):
            if clear.get("event_id") and not clear["has_own_id"]:
                clear["event_id"] = keyed_hash(clear["event_id"])
                masked_event_id = masked.pop("event_id")
                assert masked_event_id == clear.pop("event_id")
            assert masked == masked_row(clear)


def test_what_follows_from_a_value_is_as_it_was(built: Built) -> None:
    """Of visitors without two events at one instant: which of these comes first, their ids decide."""
    pairs = list(built.both(".fct_web_events", PLACE))
    instants = Counter((clear["visitor_id"], clear["event_timestamp"]) for clear, _ in pairs)
    undecided = {visitor for (visitor, _), count in instants.items() if count > 1}
    assert len(undecided) < 0.2 * len({visitor for visitor, _ in instants})
    sessions: dict[str, str] = {}
    for clear, masked in pairs:
        assert sessions.setdefault(clear["session_id"], masked["session_id"]) == masked["session_id"]
        if clear["visitor_id"] in undecided:
            continue
        for name in clear.keys() - planted_persons.HASHED - planted_persons.URLS - OTHERS:
            if "quibble" not in str(clear[name]):
                assert masked[name] == clear[name], name
    assert len(set(sessions.values())) == len(sessions)

    clear_sessions, masked_sessions = (
        {row["session_id"]: row for row in built.warehouse.rows(f"{schema}.fct_sessions")}
        for schema in ("analytics", "masked")
    )
    assert clear_sessions.keys() == sessions.keys()
    assert any(row["bot_reason"] == "user_agent" for row in clear_sessions.values())
    for session_id, clear in clear_sessions.items():
        if clear["visitor_id"] not in undecided:
            masked = masked_sessions[sessions[session_id]]
            for name in clear.keys() - planted_persons.HASHED - OTHERS:
                if "quibble" not in str(clear[name]):
                    assert masked[name] == clear[name], name


def test_agents_are_what_they_were(built: Built) -> None:
    clear, masked = (built.warehouse.rows(f"{schema}.dim_user_agents") for schema in ("analytics", "masked"))
    assert {row["browser"] for row in clear} >= {"Chrome", "Mobile Safari"}
    expected = [row | {"user_agent": keyed_hash(row["user_agent"])} for row in clear]
    assert sorted(masked, key=str) == sorted(expected, key=str)


def test_addresses_have_the_country_they_had(built: Built) -> None:
    clear, masked = (
        {
            row["ip_address"]: row["country"]
            for row in built.warehouse.rows(f"{schema}_intermediate.int_address_countries")
        }
        for schema in ("analytics", "masked")
    )
    assert set(clear.values()) == {"DE", None}
    assert masked == {keyed_hash(address): country for address, country in clear.items()}


def test_hashes_join_as_the_values_did(built: Built) -> None:
    clear, masked = (
        {row["customer_id"]: row for row in built.warehouse.rows(f"{schema}.customer_lifetime_value")}
        for schema in ("analytics", "masked")
    )
    assert len(clear) > 40
    assert masked == {keyed_hash(key): row | {"customer_id": keyed_hash(key)} for key, row in clear.items()}
    customers_seen = [
        customers.keys() & {row["person_id"] for row in built.warehouse.rows(f"{schema}.dim_users")}
        for schema, customers in (("analytics", clear), ("masked", masked))
    ]
    assert len(customers_seen[0]) == len(customers_seen[1]) > 20


def test_the_key_is_in_no_file_that_dbt_leaves_but_the_statements_it_sent(built: Built) -> None:
    target = Path(built.warehouse.environment["DBT_TARGET_PATH"])
    files = [
        path for path in target.rglob("*") if path.is_file() and "run" not in path.relative_to(target).parts
    ]
    assert target / "manifest.json" in files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("schema", "variables", "key", "message"),
    [
        ("masked", MASKED, " ", "Target 'local' is masked: set MASKING_KEY to a key of 32 to 64"),
        ("masked", MASKED, "short", "Target 'local' is masked: set MASKING_KEY"),
        ("masked", MASKED, KEY[::-1], "built with another MASKING_KEY, and this run is masked"),
        ("masked", (), "", "built masked, and this run is not masked: build into a schema"),
        ("analytics", MASKED, KEY, "built without masking, and this run is masked: build into a schema"),
    ],
)
def test_a_run_is_refused(
    built: Built, schema: str, variables: tuple[str, ...], key: str, message: str
) -> None:
    before = built.warehouse.snapshot_ids()
    environment = {"DBT_SCHEMA": schema, "MASKING_KEY": key}
    refused = built.warehouse.dbt("build", "--full-refresh", *variables, check=False, **environment)
    assert refused.returncode != 0
    assert message in refused.stdout
    assert built.warehouse.snapshot_ids() == before


def test_clear_tables_are_not_read_by_deferral(built: Built) -> None:
    """A masked model on production's clear tables would copy what they say."""
    state = Path(built.warehouse.environment["DBT_TARGET_PATH"]).parent / "clear_state"
    deferred = ("--select", "fct_sessions", "--defer", "--state", str(state))
    environment = {"DBT_SCHEMA": "deferred", "MASKING_KEY": KEY}
    refused = built.warehouse.dbt("run", *deferred, *MASKED, check=False, **environment)
    assert refused.returncode != 0
    assert "the tables that --defer reads are not masked alike" in refused.stdout
