"""`make slim`: what changed is built beside the base, and each difference of the data is told."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warehouse import MARTS, QUICK, Row, Warehouse, copy_project, git

from loaders.lakehouse.settings import SLIM, SLIM_PORT_OFFSET, Settings
from slim.compare import FLOAT_TOLERANCE, compare

EXCLUDED = [option for folder in MARTS for option in ("--exclude", f"path:{folder}+")]
KEY_OF_PERSONS = """\
    data_tests:
      - dbt_utils.unique_combination_of_columns:
          arguments:
            combination_of_columns: [visitor_id, person_id, device_type]
"""
COMMANDS = ("--events", "1500", *EXCLUDED)


@dataclass
class Project:
    """A copy of the project, with git, and its slim lakehouse."""

    warehouse: Warehouse
    path: Path

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.path / path).read_text()
        assert text.count(old) == 1, path
        (self.path / path).write_text(text.replace(old, new))

    def slim(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit status, what was printed, and the Markdown."""
        report = self.path.parent / "report.md"
        command = ("python", "-m", "slim", *COMMANDS, "--report", str(report), *arguments)
        done = self.warehouse.command(*command, check=False, **{**QUICK, **environment})
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode, done.stdout, report.read_text()

    def schemas(self) -> set[str]:
        return {name for name, *_ in self.warehouse.catalog().list_namespaces()}

    def tables(self, schema: str) -> set[str]:
        """The tables of a build, in all schemas that begin with its name."""
        catalog = self.warehouse.catalog()
        return {
            table
            for name in self.schemas()
            if name == schema or name.startswith(f"{schema}_")
            for _, table in catalog.list_tables(name)
        }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project as a repository, whose branch main has one more model."""
    home = tmp_path_factory.mktemp("slim")
    copied = copy_project(home / "project")
    warehouse = Warehouse(home, project=copied)
    # On the ports of this test's block.
    warehouse.environment["LAKEHOUSE_PORT"] = str(warehouse.settings.port - SLIM_PORT_OFFSET)
    warehouse.settings = Settings(warehouse.settings.home / SLIM, warehouse.settings.port)
    one = Project(warehouse, copied)
    (copied / "models/intermediate/web/int_old.sql").write_text("select 1 as number\n")
    # A table without a key.
    one.edit("models/intermediate/web/_web__models.yml", KEY_OF_PERSONS, "")
    git(one.path, "init", "--initial-branch", "main")
    git(one.path, "add", "--all")
    git(one.path, "commit", "--message", "base")
    git(one.path, "checkout", "-b", "Fix/some thing".replace(" ", "-"))
    try:
        yield one
    finally:
        warehouse.close()


def summary(report: str) -> dict[str, list[str]]:
    """The rows of the Markdown's first table, by name: rows, added, removed, changed, key."""
    lines = re.findall(r"^\| `(\w+)` \| (.+) \|$", report.partition("<details>")[0], re.MULTILINE)
    return {name: [cell.strip(" `") for cell in cells.split("|")] for name, cells in lines}


def by(rows: list[Row], *key: str) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in key): row for row in rows}


def test_nothing_changed_takes_no_build(project: Project) -> None:
    (project.path / "README.md").write_text("Another text\n")
    status, said, report = project.slim()
    assert status == 0
    assert "Nothing changed" in said
    assert "Nothing changed" in report
    assert not project.warehouse.settings.data.exists(), "the base was built for nothing"


def test_each_difference_is_told(project: Project) -> None:
    """A column of other values, fewer filters, a new column, a variable, a new and a removed model."""
    warehouse = project.warehouse
    marts, intermediate = "models/marts/commerce", "models/intermediate"
    project.edit(
        f"{marts}/category_performance.sql",
        "        count(*) as event_count",
        "        count(*) + case when category < 'f' then 1 else 0 end as event_count",
    )
    project.edit(
        f"{marts}/hourly_revenue.sql",
        "        event_action = 'purchase'\n        and not is_bot",
        "        not is_bot",
    )
    project.edit(
        f"{intermediate}/commerce/int_sessions_daily.sql",
        "        count(*) as sessions,",
        "        count(*) as sessions,\n        nullif(max(purchase_count), 0) as most_purchases,",
    )
    project.edit("dbt_project.yml", "  low_quality_score: 0.5", "  low_quality_score: 0.97")
    project.edit(
        f"{intermediate}/web/int_visitor_persons.sql",
        "        count(*) as session_count,",
        "        count(*) + case when visitor_id < '8' then 1 else 0 end as session_count,",
    )
    (project.path / intermediate / "web/int_old.sql").unlink()
    (project.path / intermediate / "web/int_new.sql").write_text("select * from {{ ref('dim_dates') }}\n")

    status, said, report = project.slim()
    assert status == 0, said
    schema = "slim_fix_some_thing"
    built = project.tables(schema)
    changed_models = {
        "category_performance", "hourly_revenue", "int_sessions_daily", "data_quality_daily",
        "int_visitor_persons", "int_new",
    }  # fmt: skip
    readers = {"product_affinity", "dim_users", "user_history"}
    assert built == changed_models | readers, "parents are read where they are"
    assert {"fct_web_events", "int_old"} <= project.tables("analytics")
    found = summary(report)
    # dim_dates holds no data of the sample: its rows are counted by its variables.
    assert f"new: int_new, {len(warehouse.rows('analytics.dim_dates')):,} rows" in report
    assert "removed: int_old" in report

    before = warehouse.rows("analytics.category_performance")
    changed = [row for row in before if row["category"] < "f"]
    assert 0 < len(changed) < len(before)
    assert found["category_performance"][:4] == [str(len(before)), "0", "0", str(len(changed))]
    first = min(changed, key=lambda row: (row["event_date"], row["category"]))
    count = first["event_count"]
    example = f"`{first['event_date']}, {first['category']}` | `{count}` | `{count + 1}`"
    assert f"| `event_count` | {len(changed)} | {example} |" in report

    hours = Counter()
    purchases = Counter()
    for row in warehouse.rows(
        "analytics.fct_web_events", "event_date, event_timestamp, event_action, is_bot"
    ):
        if not row["is_bot"]:
            hour = row["event_date"], row["event_timestamp"].hour
            hours[hour] += 1
            purchases[hour] += row["event_action"] == "purchase"
    bought = {hour for hour, count in purchases.items() if count}
    more = sum(hours[hour] > purchases[hour] for hour in bought)
    rows, new = f"{len(bought)} → {len(hours)}", str(len(hours) - len(bought))
    assert found["hourly_revenue"] == [rows, new, "0", str(more), "event_date, event_hour"]

    days = warehouse.rows("analytics_intermediate.int_sessions_daily")
    assert found["int_sessions_daily"][:4] == [str(len(days)), "0", "0", "0"]
    filled = sum(row["buying_sessions"] > 0 for row in days)
    assert f"new column `most_purchases` (bigint), not null in {filled} row{'s' * (filled != 1)}" in report

    scores = warehouse.rows("analytics.fct_web_events", "event_date, source_format, data_quality_score")
    grains = {
        (row["event_date"], row["source_format"]) for row in scores if 0.5 <= row["data_quality_score"] < 0.97
    }
    assert grains
    assert found["data_quality_daily"][1:4] == ["0", "0", str(len(grains))]

    visitors = warehouse.rows("analytics_intermediate.int_visitor_persons")
    others = sum(row["visitor_id"] < "8" for row in visitors)
    assert others
    assert found["int_visitor_persons"] == [str(len(visitors)), str(others), str(others), "", "whole rows"]
    assert "no key" in report
    people = {row["person_id"] for row in visitors if row["visitor_id"] < "8"}
    people &= {row["person_id"] for row in warehouse.rows("analytics.dim_users")}
    assert found["dim_users"][1:4] == ["0", "0", str(len(people))]
    assert "session_count" in report

    git(project.path, "checkout", "--force", "main")
    git(project.path, "clean", "-fd")


def test_a_seed_and_what_reads_it(project: Project) -> None:
    """The base is kept; the tables of the last branch go."""
    snapshots = project.warehouse.snapshot_ids()
    git(project.path, "checkout", "-b", "seed")
    project.edit(
        "seeds/referrer_sources.csv", "\nfacebook.com,facebook,social", "\nfacebook.com,facebook,search"
    )
    git(project.path, "commit", "--all", "--message", "seed")
    # What came to main since is no change of this branch.
    git(project.path, "checkout", "main")
    project.edit(
        "models/marts/commerce/top_products.sql", "select * from final", "select * from final where false"
    )
    git(project.path, "commit", "--all", "--message", "later")
    git(project.path, "checkout", "seed")

    status, said, report = project.slim()
    assert status == 0, said
    assert "sample of" not in said, "the base is built again"
    assert not any(name.startswith("slim_fix") for name in project.schemas())
    base = {name: snapshot for name, snapshot in snapshots.items() if not name.startswith("slim_")}
    assert base.items() <= project.warehouse.snapshot_ids().items(), "the base was written to"
    found = summary(report)
    assert found["referrer_sources"][1:] == ["0", "0", "1", "host"]
    assert "| `source_kind` | 1 | `facebook.com` | `social` | `search` |" in report
    assert "top_products" not in found
    columns = "referrer_host, utm_source, channel"
    from_there = [
        row
        for row in project.warehouse.rows("analytics.fct_sessions", columns)
        if row["referrer_host"] in ("facebook.com", "www.facebook.com")
        and row["utm_source"] is None
        and row["channel"] == "Organic Social"
    ]
    assert from_there
    assert found["fct_sessions"][1:] == ["0", "0", str(len(from_there)), "session_id"]
    assert "`Organic Social` | `Organic Search`" in report


def test_dbt_finds_no_change_where_there_is_none(project: Project) -> None:
    """Another directory, other packages' path: nothing is built for that."""
    git(project.path, "checkout", "--force", "seed")
    git(project.path, "checkout", "--force", "HEAD~1")
    state = project.warehouse.settings.home / "base"
    status, said, report = project.slim("--state", str(state), LAKEHOUSE=SLIM)
    assert status == 0, said
    assert "Nothing changed" in report, said
    assert not any(name.startswith("slim_") for name in project.schemas())


def test_what_fails_is_told(project: Project) -> None:
    git(project.path, "checkout", "--force", "-b", "broken", "seed~1")
    days = "models/intermediate/commerce/int_sessions_daily.sql"
    project.edit(days, "select * from final", "select no_such_column from final")
    project.edit(
        "models/marts/commerce/hourly_revenue.sql",
        "        event_action = 'purchase'\n        and not is_bot",
        "        not is_bot",
    )
    status, said, report = project.slim(DBT_EXCLUDE_RESOURCE_TYPES="")
    assert status == 1
    failed = dict(re.findall(r"^failed +(\w+): (.+)$", said, re.MULTILINE))
    # Its unit test comes first.
    assert "int_sessions_daily" in failed.pop("int_sessions_daily_counts_sessions_of_people")
    assert failed, "the unit test of the filter was not run"
    assert all(name.startswith("hourly_revenue") for name in failed)
    assert "**failed**" in report

    project.edit(days, "select no_such_column", "select {{ no_such_macro() }}")
    status, said, report = project.slim()
    assert status == 1
    (line,) = re.findall("^failed.*$", said, re.MULTILINE)
    assert "no_such_macro" in line


def test_an_unknown_base_is_told(project: Project) -> None:
    status, said, _ = project.slim("--base", "no-such-branch")
    assert status == 1
    assert "git knows no 'no-such-branch'" in said


# ---- The comparison itself


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as one:
        yield one


def put(connection: duckdb.DuckDBPyConnection, name: str, types: str, rows: list[tuple[Any, ...]]) -> None:
    connection.execute(f"create table {name} ({types})")
    if rows:
        marks = ", ".join("?" for _ in rows[0])
        connection.executemany(f"insert into {name} values ({marks})", rows)


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_those_of_plain_python(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    chance = random.Random(seed)

    def table() -> dict[tuple[Any, ...], tuple[Any, ...]]:
        keys = {(chance.randrange(9), chance.choice(["k", "|", None])) for _ in range(chance.randrange(20))}
        return {
            key: (
                chance.choice(["one", None, "two"]),
                chance.choice([1.0, 1.0 + 1e-12, 2.0, None, float("nan")]),
            )
            for key in keys
        }

    def equal(one: float | None, other: float | None) -> bool:
        if one is None or other is None or one != one or other != other:
            return repr(one) == repr(other)
        return abs(one - other) <= FLOAT_TOLERANCE * max(1, abs(one), abs(other))

    old, new = table(), table()
    types = "a int, b varchar, t varchar, x double, processed_timestamp int"
    put(connection, "old", types, [(*key, *values, 1) for key, values in old.items()])
    put(connection, "new", types, [(*key, *values, 2) for key, values in new.items()])
    found = compare(connection, "old", "new", [("no",), ("a", "b")], 2)
    both = old.keys() & new.keys()
    texts = [key for key in both if old[key][0] != new[key][0]]
    floats = [key for key in both if not equal(old[key][1], new[key][1])]
    assert found.key == ("a", "b")
    assert (found.rows_before, found.rows_after) == (len(old), len(new))
    assert (found.added, found.removed) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
    assert found.changed == len({*texts, *floats})
    assert {name: one.rows for name, one in found.columns.items()} == {
        name: len(keys) for name, keys in (("t", texts), ("x", floats)) if keys
    }


def test_without_a_key_rows_count_as_often_as_they_are_there(connection: duckdb.DuckDBPyConnection) -> None:
    types = "name varchar, x double"
    put(connection, "old", types, [("a", 1.0), ("a", 1.0), ("b", 0.1 + 0.2), ("c", 5.0), (None, None)])
    put(connection, "new", types, [("a", 1.0), ("b", 0.3), ("c", 6.0), ("c", 5.0), (None, None)])
    found = compare(connection, "old", "new", [("name",)], 3)
    assert found.key is None, "name is no key of the old table"
    assert (found.added, found.removed, found.changed) == (1, 1, 0)
    assert found.added_rows == [{"name": "c", "x": 6.0}]
    assert found.removed_rows == [{"name": "a", "x": 1.0}]


def test_columns_that_come_go_and_turn_are_told(connection: duckdb.DuckDBPyConnection) -> None:
    put(connection, "old", "id int, gone int, turned int", [(1, 1, 1), (2, 2, 2)])
    put(connection, "new", "id int, turned varchar, come varchar", [(1, "1", None), (2, "two", "x")])
    found = compare(connection, "old", "new", [("id",)], 3)
    assert found.new_columns == {"come": ("VARCHAR", 1)}
    assert found.lost_columns == {"gone": "INTEGER"}
    assert found.other_types == {"turned": ("INTEGER", "VARCHAR")}
    assert found.columns["turned"].examples == [({"id": 2}, 2, "two")]
    assert not found.is_equal


def test_a_history_is_compared_by_its_current_states(connection: duckdb.DuckDBPyConnection) -> None:
    types = "id int, name varchar, dbt_valid_from int, dbt_valid_to int"
    put(connection, "old", types, [(1, "first", 1, 2), (1, "now", 2, None)])
    put(connection, "new", types, [(1, "now", 3, None)])
    found = compare(connection, "old", "new", [("id",)], 3)
    assert found.is_equal
    assert found.current_states_only
    assert found.rows_before == 1
