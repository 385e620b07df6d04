"""`python -m loaders inspect`: what it says is what loading and staging do."""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from warehouse import Warehouse

from loaders.cli import main
from loaders.inspection import Inspection, inspect_object
from loaders.lakehouse.settings import PROJECT_ROOT

# The examples of docs/own-data.md, by kind of file and format.
EXAMPLES = re.findall(
    r"^```(json|csv) (\w+)\n(.*?)^```$",
    (PROJECT_ROOT / "docs" / "own-data.md").read_text(),
    re.MULTILINE | re.DOTALL,
)
COMMERCE = ("products", "transactions", "reviews")
JSON_EVENTS = {name: text for kind, name, text in EXAMPLES if kind == "json" and name not in COMMERCE}
DIRT = (
    '{"type": "page", "timestamp": "2026-03-01T10:00:00Z"}\n',
    "broken\n",
    '{"foo": 1}\n',
    '{"type": "track", "event": "Prodct Addd", "anonymousId": "a", "timestamp": "2026-03-01", "plan": 1, '
    '"properties": {"size": "XL", "url": "https://x.example/"}}\n',
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON examples and some dirt, packed."""
    path = tmp_path_factory.mktemp("inspected") / "events.json.gz"
    # Dirt in lines of its own comes first: the examples are pretty-printed.
    path.write_bytes(gzip.compress("".join([*DIRT, *JSON_EVENTS.values()]).encode()))
    return path


@pytest.fixture(scope="module")
def found(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """What is found in it, without a lakehouse, whatever target is configured."""
    home = tmp_path_factory.mktemp("none") / "lakehouse"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LAKEHOUSE_HOME", str(home))
        environment.setenv("DBT_TARGET", "athena")
        environment.setenv("DBT_PACKAGES_PATH", "tests/offline_packages")
        inspection = inspect_object(str(file))
    assert not home.exists(), "no lakehouse was started"
    return inspection


def test_examples_of_the_page_are_accepted(found: Inspection) -> None:
    accepted = {row["source_format"]: row["accepted"] for row in found.formats if row["accepted"]}
    assert accepted == {**dict.fromkeys(JSON_EVENTS, 1), "legacy": 2}
    assert found.is_whole
    assert found.records == len(JSON_EVENTS) + len(DIRT)


def test_reasons(found: Inspection) -> None:
    reasons = {
        row["rejection_reason"]: (row["source_format"], row["first_position"]) for row in found.rejections
    }
    assert reasons == {
        "no_visitor_id": ("legacy", 0),
        "not_json_object": (None, 1),
        "unknown_format": (None, 2),
    }


def test_fields_keys_and_spellings(found: Inspection) -> None:
    fields = {(row["source_format"], row["field"]) for row in found.fields}
    assert {("segment", "utm_source"), ("ga4", "lines"), ("legacy", "coordinates")} <= fields
    assert ("legacy", "lines") not in fields
    unread = {(row["source_format"], row["payload_key"]) for row in found.unread_keys}
    assert {key for name, key in unread if name == "legacy"} == {"plan", "properties.size"}
    assert {key for name, key in unread if name is None} == {"foo"}
    spellings = [(row["event_type"], row["event_name"], row["records"]) for row in found.unknown_spellings]
    assert spellings == [("track", "Prodct Addd", 1)], "of the page's own examples none"


def test_it_is_what_loading_and_staging_do(found: Inspection, file: Path, warehouse: Warehouse) -> None:
    warehouse.load("historical", file)
    warehouse.dbt("run", "--select", "+stg_web_events")
    staged = warehouse.rows("analytics_staging.stg_web_events", "source_format, rejection_reason")
    counts = Counter((row["source_format"], row["rejection_reason"]) for row in staged)
    accepted = Counter({row["source_format"]: row["accepted"] for row in found.formats})
    assert +accepted == Counter({name: n for (name, reason), n in counts.items() if reason is None})
    rejected = {(row["source_format"], row["rejection_reason"]): row["records"] for row in found.rejections}
    assert rejected == {key: n for key, n in counts.items() if key[1] is not None}


def test_only_the_first_records(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_PACKAGES_PATH", "tests/offline_packages")
    done = CliRunner().invoke(main, ["inspect", str(file), "--records", "2", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["records"], said["is_whole"]) == (2, False)
    assert {row["rejection_reason"] for row in said["rejections"]} == {"no_visitor_id", "not_json_object"}


def test_csv_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_PACKAGES_PATH", "tests/offline_packages")
    path = tmp_path / "events.csv"
    (text,) = (text for kind, name, text in EXAMPLES if (kind, name) == ("csv", "rees46"))
    path.write_text(text)
    done = CliRunner().invoke(main, ["inspect", str(path)])
    assert done.exit_code == 0, done.output
    assert "rees46: fields found" in done.stdout
    assert re.search(r"rees46: keys that nothing reads.*\n.*brand 1", done.stdout)


@pytest.mark.parametrize("content", [b"", b"PAR1" + bytes(100)])
def test_what_can_not_be_loaded_is_told_as_loading_does(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    done = CliRunner().invoke(main, ["inspect", str(path)])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert "file.json" in done.stderr
    assert done.stderr.count("\n") == 1


def test_shop_data_of_the_page_has_the_names_that_staging_reads() -> None:
    names = {name: text for _, name, text in EXAMPLES if name in COMMERCE}
    assert set(names) == set(COMMERCE)
    assert {"product_id", "price", "updated_at"} <= set(json.loads(names["products"]))
    for name, key in (("transactions", "transaction_id"), ("reviews", "review_id")):
        header, row = csv.reader(names[name].splitlines())
        assert header[0] == key
        assert len(row) == len(header)
