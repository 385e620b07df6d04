"""The country of an address: the SQL against Python's ipaddress, and a table of ranges that is replaced."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import address_ranges
import duckdb
import pytest
from address_ranges import ODD, RANGES, VARIABLES, as_rows, at_edges, random_ranges
from warehouse import MARTS, Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT
from oracle.addresses import country_of, ranges_of
from oracle.knowledge import knowledge_of

LATER = "reference.ip_ranges_later"
Countries = dict[str, str | None]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A lakehouse with a table of ranges."""
    warehouse = Warehouse(tmp_path_factory.mktemp("addresses"), left_out=MARTS, variables=VARIABLES)
    try:
        with warehouse.connect() as lake:
            address_ranges.create_table(lake)
        yield warehouse
    finally:
        warehouse.close()


@pytest.fixture(scope="module")
def countries_by_sql(project: Warehouse) -> Callable[[list, Iterable[str]], Countries]:
    """What DuckDB makes of a table of ranges and of addresses."""
    project.dbt("compile", "--select", "int_address_ranges", "int_address_countries")
    names = {
        "ip_ranges": "ranges",
        "countries": f"read_csv('{PROJECT_ROOT / 'seeds/countries.csv'}', header = true, all_varchar = true)",
        "int_address_ranges": "int_address_ranges",
        "stg_web_events": "records",
    }
    of_ranges, of_addresses = address_ranges.selects(project, names)

    def countries(ranges: list, addresses: Iterable[str]) -> Countries:
        with duckdb.connect() as connection:
            address_ranges.fill(connection, "ranges", ranges)
            connection.execute("create table records (ip_address varchar, rejection_reason varchar)")
            connection.executemany("insert into records values (?, null)", [(text,) for text in addresses])
            connection.execute(f"create table int_address_ranges as {of_ranges}")
            return dict(connection.execute(of_addresses).fetchall())

    return countries


def expected(ranges: list, addresses: Iterable[str]) -> Countries:
    read = ranges_of(as_rows(ranges), knowledge_of().country_code)
    return {text: country_of(text, read) for text in addresses}


def test_edges_and_odd_texts(countries_by_sql: Callable) -> None:
    read = ranges_of(as_rows(RANGES), knowledge_of().country_code)
    addresses = [*at_edges(read), *ODD]
    found = countries_by_sql(RANGES, addresses)
    assert found == expected(RANGES, addresses)
    by_hand = {
        "10.255.255.255": None,
        "11.0.0.0": "DE",
        "11.0.0.255": "DE",
        "11.0.1.0": "FR",
        "11.0.2.0": None,
        "11.0.3.0": "ES",
        "11.0.3.1": None,
        "11.1.127.255": "DK",
        "11.1.128.0": "SE",
        "11.1.192.0": "DK",
        "11.1.255.0": "FI",
        "11.2.0.0": "NO",
        "11.10.0.0": None,
        "2001:db8::": "NL",
        "2001:db8:0:1:7fff:ffff:ffff:ffff": "BE",
        "2001:db8:0:1:8000::": "NL",
        "2001:db8:ffff::1": "LU",
        "2001:db8:ffff::2": None,
        "[2001:db8::1]:443": "NL",
        "2001:db8::1%eth0": "NL",
        "::ffff:11.0.0.1": "DE",
        "10.1.2.3, 11.0.1.1": "FR",
        "11.0.2.1, 11.0.0.1": None,
    }
    assert {text: found[text] for text in by_hand} == by_hand


@pytest.mark.parametrize("seed", range(40))
def test_random_networks(countries_by_sql: Callable, seed: int) -> None:
    chance = random.Random(seed)
    ranges = random_ranges(chance)
    read = ranges_of(as_rows(ranges), knowledge_of().country_code)
    numbers = {chance.randint(max(each.first - 2, 0), each.last) for each in read for _ in range(5)}
    addresses = {*at_edges(read), *(address_ranges.as_text(number, chance) for number in numbers)}
    assert countries_by_sql(ranges, addresses) == expected(ranges, addresses)


def test_of_ranges_that_cross_one_that_holds_the_address_counts(countries_by_sql: Callable) -> None:
    ranges = [("11.0.0.10", "11.0.0.30", "DE"), ("11.0.0.20", "11.0.0.40", "FR")]
    found = countries_by_sql(ranges, [f"11.0.0.{last}" for last in (9, 10, 20, 30, 31, 40, 41)])
    assert found["11.0.0.10"] == "DE"
    assert {found["11.0.0.20"], found["11.0.0.30"]} <= {"DE", "FR"}
    assert {found["11.0.0.31"], found["11.0.0.40"]} <= {"FR", None}
    assert found["11.0.0.9"] is found["11.0.0.41"] is None


def load(warehouse: Warehouse, folder: Path, addresses: Iterable[str]) -> None:
    """A page view from each address."""
    folder.mkdir()
    views = [
        {
            "type": "page",
            "messageId": address,
            "anonymousId": address,
            "timestamp": "2026-01-05T10:00:00Z",
            "context": {"ip": address},
        }
        for address in addresses
    ]
    (folder / "events.json").write_text("\n".join(map(json.dumps, views)))
    warehouse.load("firehose", folder)


def countries_of_events(warehouse: Warehouse) -> Countries:
    rows = warehouse.rows("analytics_intermediate.int_web_events_enriched", "event_id, country")
    return {row["event_id"]: row["country"] for row in rows}


def test_another_table_reaches_new_events_and_by_a_backfill_the_old(
    project: Warehouse, tmp_path: Path
) -> None:
    build = ("run", "--select", "+int_web_events_enriched")
    load(project, tmp_path / "first", ["11.0.0.1", "11.0.1.1"])
    project.dbt(*build)
    assert countries_of_events(project) == {"11.0.0.1": "DE", "11.0.1.1": "FR"}
    before = project.snapshot_ids()
    assert "its code changed" not in project.dbt(*build).stdout
    assert project.snapshot_ids() == before

    with project.connect() as lake:
        address_ranges.fill(lake, f"lake.{LATER}", [("11.0.0.0/8", None, "IT")])
    variables = {"address_ranges": LATER}
    load(project, tmp_path / "second", ["11.0.0.2"])
    told = project.dbt(*build, "--vars", json.dumps(variables)).stdout
    assert "int_web_events_enriched: its code changed" in told
    assert countries_of_events(project) == {"11.0.0.1": "DE", "11.0.1.1": "FR", "11.0.0.2": "IT"}

    window = {"backfill_start": "2026-01-05", "backfill_end": "2026-01-05"}
    project.dbt(*build, "--vars", json.dumps(variables | window))
    assert set(countries_of_events(project).values()) == {"IT"}

    # The rows of the table itself are others.
    with project.connect() as lake:
        lake.execute(f"update lake.{LATER} set country = 'PL'")
    refreshed = ("int_address_ranges", "int_address_countries", "int_web_events_enriched")
    again = ("--full-refresh", "--vars", json.dumps(variables))
    project.dbt("run", "--select", *refreshed, *again)
    assert set(countries_of_events(project).values()) == {"PL"}
