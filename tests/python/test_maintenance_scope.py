"""`maintain` works on this project's tables only, in a Glue account that others share."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

from loaders import loading
from loaders.cli import main
from loaders.maintenance import cli, scope
from loaders.objects import list_objects
from loaders.summary import Summary

SCHEMA = "shop"
NOW = ("--keep-snapshots", "0s", "--keep-orphans", "0s", "--force")


@pytest.fixture
def account(glue: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Catalog:
    """A Glue account with raw tables, a dbt schema, and another team's database."""
    catalog = load_catalog("glue", **glue)
    for namespace in list(catalog.list_namespaces()):
        if namespace[0] in ("raw", "finance") or namespace[0].startswith(SCHEMA):
            for name in catalog.list_tables(namespace):
                catalog.drop_table(name)
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(f'{{"n":{number}}}\n')
        summary = Summary("web_events")
        loading.load(catalog, list_objects(str(tmp_path)), summary, source="firehose", namespace="raw")
        assert summary.loaded == 1
    for name in ((SCHEMA, "fct"), (f"{SCHEMA}_staging", "stg"), ("finance", "ledger")):
        _table(catalog, name)
    monkeypatch.setenv("DBT_SCHEMA", SCHEMA)
    monkeypatch.setattr(cli, "open_catalog", lambda: catalog)
    return catalog


def _table(catalog: Catalog, name: tuple[str, str]) -> None:
    rows = pa.table({"n": [1, 2]})
    catalog.create_namespace_if_not_exists(name[0])
    table = catalog.create_table(name, rows.schema)
    for _ in range(2):
        table.append(rows)


def _maintain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["maintain", *arguments])


def _counts(catalog: Catalog, *name: str) -> tuple[int, int]:
    """Data files and snapshots of a table."""
    table = catalog.load_table(name)
    return len(list(table.scan().plan_files())), len(table.snapshots())


def _put(catalog: Catalog, name: tuple[str, str], path: str) -> str:
    table = catalog.load_table(name)
    with table.io.new_output(f"{table.location()}/{path}").create() as stream:
        stream.write(b"beside")
    return f"{table.location()}/{path}"


def _is_stored(catalog: Catalog, location: str) -> bool:
    io = catalog.load_table(("raw", "web_events")).io
    assert isinstance(io, PyArrowFileIO)
    return io.new_input(location).exists()


def test_another_team_is_left_alone(account: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = [_put(account, ("finance", "ledger"), path) for path in ("data/a.parquet", "notes.txt")]
    ours = [_put(account, (SCHEMA, "fct"), path) for path in ("data/a.parquet", "metadata/b.avro")]
    beside = [_put(account, (SCHEMA, "fct"), path) for path in ("notes.txt", "export/c.parquet")]
    monkeypatch.setattr(GlueCatalog, "list_namespaces", None)

    done = _maintain(*NOW)

    assert done.exit_code == 0, done.output
    for name in (
        ("raw", "web_events"),
        ("raw", "load_batches"),
        (SCHEMA, "fct"),
        (f"{SCHEMA}_staging", "stg"),
    ):
        assert _counts(account, *name) == (1, 1), name
    assert _counts(account, "finance", "ledger") == (2, 2)
    assert [_is_stored(account, one) for one in ours] == [False, False]
    assert [_is_stored(account, one) for one in theirs + beside] == [True] * 4

    done = _maintain("--namespace", "finance", *NOW)
    assert done.exit_code == 0, done.output
    assert _counts(account, "finance", "ledger") == (1, 1)
    assert [_is_stored(account, one) for one in theirs] == [False, True]


def test_what_may_not_be_read_does_not_end_it(account: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    _table(account, (SCHEMA, "broken"))
    broken = account.load_table((SCHEMA, "broken"))
    broken.io.delete(broken.metadata_location)
    raw = account.load_table(("raw", "products")) if account.table_exists(("raw", "products")) else None
    assert raw is None
    _table(account, ("raw", "products"))
    original = GlueCatalog.list_tables

    def list_tables(self: GlueCatalog, namespace: str | tuple[str, ...]) -> list[tuple[str, ...]]:
        if namespace == f"{SCHEMA}_staging":
            error = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
            raise ClientError(error, "GetTables")
        return original(self, namespace)

    monkeypatch.setattr(GlueCatalog, "list_tables", list_tables)
    done = _maintain(*NOW)
    assert done.exit_code == 1
    lines = sorted(line for line in done.stderr.splitlines() if line.startswith("Error: "))
    assert [line.split(":")[1].split()[0] for line in lines] == [
        f"{SCHEMA}.broken",
        f"{SCHEMA}_staging.*",
        "the",
    ]
    assert "AccessDenied" in lines[1]
    assert "raw.products has no column" in lines[2]
    assert _counts(account, "raw", "web_events") == _counts(account, SCHEMA, "fct") == (1, 1)
    assert _counts(account, "raw", "products") == (2, 2)


@pytest.mark.parametrize("option", ["--keep-snapshots", "--keep-orphans"])
def test_nothing_is_kept_only_when_forced(option: str, account: Catalog) -> None:
    refused = _maintain(option, "0s")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert _counts(account, SCHEMA, "fct") == (2, 2)
    assert _maintain(option, "0s", "--dry-run").exit_code == 0
    assert _maintain(f"{SCHEMA}.fct", option, "0s", "--force").exit_code == 0


def test_namespaces_that_are_not_there(account: Catalog) -> None:
    done = _maintain("--namespace", "nowhere", "--dry-run")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: nowhere.* can't be maintained")
    assert scope.project_namespaces("athena_prod") == [
        "raw",
        SCHEMA,
        f"{SCHEMA}_intermediate",
        f"{SCHEMA}_seeds",
        f"{SCHEMA}_staging",
    ]
    done = _maintain("--target", "elsewhere")
    assert done.exit_code == 1
    assert "name them by --namespace: profiles.yml has no 'elsewhere'" in done.stderr
