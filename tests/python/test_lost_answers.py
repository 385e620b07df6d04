"""A catalog whose answers are lost or wrong: no file goes that a snapshot needs, each batch lands once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from faulty_proxy import Fault, faulty_proxy
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import Table

from loaders import commit, loading
from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.store import Store
from loaders.ledger import Ledger
from loaders.loading import BatchSize
from loaders.maintenance import Options, maintain
from loaders.maintenance.files import FilesOfSnapshots, stored_files
from loaders.objects import list_objects
from loaders.rebuild import rebuild
from loaders.summary import Summary

RECORDS = 10
# Applied, then an error; applied, then no answer; not applied, then an error.
FAULTS = ("fail", "hang up", "refuse")
# botocore knows no answers of these kinds, or repeats the request as after the others.
MORE_OF_REST = ("conflict", "lose", "expire", "cut")


class Lake:
    """A raw table with two small batches, and the objects that it is loaded from."""

    def __init__(self, properties: dict[str, str], namespace: str, home: Path) -> None:
        self.properties = properties
        self.namespace = namespace
        self.catalog = load_catalog("direct", **properties)
        self._home = home
        self._objects = 0
        for _ in range(2):
            self.put()
            self.load(self.catalog)

    def put(self) -> None:
        self._objects += 1
        text = f'{{"n":{self._objects}}}\n' * RECORDS
        (self._home / f"{self._objects}.json").write_text(text)

    def load(self, catalog: Catalog) -> Summary:
        summary = Summary("web_events")
        loading.load(
            catalog,
            list_objects(str(self._home)),
            summary,
            source="firehose",
            namespace=self.namespace,
            batch_size=BatchSize(1),
        )
        return summary

    def table(self, name: str = "web_events", catalog: Catalog | None = None) -> Table:
        return (catalog or self.catalog).load_table((self.namespace, name))

    def check(self) -> None:
        """Each record is there once, each object known once, and every file of every snapshot is stored."""
        found = sorted(self.table().scan().to_arrow()["payload"].to_pylist())
        assert found == sorted(f'{{"n":{n + 1}}}' for n in range(self._objects) for _ in range(RECORDS))
        uris = self.table("load_batches").scan().to_arrow()["source_uri"].to_pylist()
        assert sorted(uris) == sorted((self._home / f"{n + 1}.json").as_uri() for n in range(self._objects))
        for name in ("web_events", "load_batches"):
            table = self.table(name)
            needed = FilesOfSnapshots(table).of(table.snapshots())
            assert needed <= {file.location for file in stored_files(table)}


@pytest.fixture
def lake(either: dict[str, str], namespace: str, tmp_path: Path) -> Lake:
    return Lake(either, namespace, tmp_path)


@contextmanager
def shaky(lake: Lake, number: int, kind: Fault, *, is_gone_then: bool = False) -> Iterator[Catalog]:
    """The lake's catalog: a commit, counted from 1, goes wrong; then it works again, or never more."""
    commits = 0

    def fault(method: str, path: str, _: int) -> Fault:
        nonlocal commits
        if is_gone_then and commits >= number:
            return "refuse"
        if not path.endswith("AWSGlue.UpdateTable") and not (method == "POST" and "/tables/" in path):
            return None
        commits += 1
        return kind if commits == number else None

    name = "glue.endpoint" if lake.properties["type"] == "glue" else "uri"
    # botocore alone waits for a minute.
    more: dict[str, Any] = {"glue.max-retries": 0} if is_gone_then else {}
    with faulty_proxy(lake.properties[name], fault) as proxy:
        yield load_catalog("shaky", **{**lake.properties, name: proxy.url, **more})
    assert kind in {one for *_, one in proxy.requests}, "the fault was there"


# What is done, and which of its commits it is that goes wrong. Each returns its errors.


def _load(lake: Lake, catalog: Catalog) -> list[LoaderError]:
    return lake.load(catalog).errors


def _maintain(lake: Lake, catalog: Catalog) -> list[LoaderError]:
    options = Options(keep_snapshots=timedelta(0))
    (report,) = maintain(catalog, [(lake.namespace, "web_events")], options)
    assert report.error or (report.data_files_after, report.snapshots_after) == (1, 1)
    return [report.error] if report.error else []


def _rebuild(lake: Lake, catalog: Catalog) -> list[LoaderError]:
    lake.catalog.drop_table((lake.namespace, "load_batches"))
    rebuild(lake.table(catalog=catalog), Ledger(catalog, lake.namespace), "web_events")
    return []


def test_duckdb_leaves_the_files_of_a_commit_that_may_have_landed(
    lakehouse: Store, catalog: Catalog, namespace: str
) -> None:
    """As dbt's target local attaches the catalog; and what it drops leaves no files all the same."""
    profiles = yaml.safe_load((PROJECT_ROOT / "profiles.yml").read_text())
    (attached,) = profiles["web_events_lakehouse"]["outputs"]["local"]["attach"]
    assert attached["options"]["remove_files_on_delete"] == "false"
    direct = duckdb_session.connect()
    direct.execute(f"create schema lake.{namespace}")
    for number, kind in enumerate(("fail", "hang up", "conflict")):
        name = f"{namespace}.t{number}"
        direct.execute(f"create table lake.{name} as select 1 as n")
        faults = [kind]

        def fault(method: str, path: str, _: int, faults: list[Fault] = faults) -> Fault:
            return faults.pop() if faults and path.endswith("/commit") else None

        with (
            faulty_proxy(lakehouse.settings.iceberg_uri, fault) as proxy,
            duckdb.connect(config=duckdb_session.connection_options(lakehouse)) as shaky_duckdb,
        ):
            duckdb_session.prepare(shaky_duckdb, lakehouse)
            duckdb_session.attach_to(shaky_duckdb, proxy.url)
            with pytest.raises(duckdb.Error, match="Failed to commit"):
                shaky_duckdb.execute(f"insert into lake.{name} values (2)")
        assert faults == []
        table = catalog.load_table(name)
        assert sorted(table.scan().to_arrow()["n"].to_pylist()) == [1, 2]
        direct.execute(f"drop table lake.{name}")
        assert list(stored_files(table)) == []
    direct.close()


OPERATIONS = {
    "load": (_load, 1),
    "ledger": (_load, 2),
    "compaction": (_maintain, 1),
    "expiry": (_maintain, 2),
    "rebuild": (_rebuild, 1),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_that_is_lost(operation: str, lake: Lake) -> None:
    run, number = OPERATIONS[operation]
    more = MORE_OF_REST if lake.properties["type"] == "rest" else ()
    for kind in (*FAULTS, *(more if operation == "load" else more[:1])):
        lake.put()
        if run is not _load:
            lake.load(lake.catalog)
        with shaky(lake, number, kind) as catalog:
            assert run(lake, catalog) == []
        lake.check()
    lake.put()
    assert _load(lake, lake.catalog) == []
    lake.check()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_catalog_that_goes_away(operation: str, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It commits, or does not, and then answers nothing: an error, and the next run makes up for it."""
    monkeypatch.setattr(commit, "_WAITS_SECONDS", (0.01,) * 3)
    run, number = OPERATIONS[operation]
    for kind in ("hang up", "refuse"):
        lake.put()
        if run is not _load:
            lake.load(lake.catalog)
        with shaky(lake, number, kind, is_gone_then=True) as catalog:
            try:
                errors = run(lake, catalog)
            except LoaderError as error:
                errors = [error]
        assert errors
        assert all("\n" not in str(error) for error in errors)
        assert _load(lake, lake.catalog) == []
        lake.check()
