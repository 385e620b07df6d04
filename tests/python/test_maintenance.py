"""Maintenance: the same rows in fewer files, and nothing left over that a table does not need."""

from __future__ import annotations

import json
import re
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.table import Table

from loaders import loading
from loaders.cli import main
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.store import Store
from loaders.loading import BatchSize
from loaders.maintenance import Options, TableReport, engines, maintain
from loaders.maintenance.compaction import compact, plan_compaction
from loaders.maintenance.engines import maintain_by
from loaders.maintenance.files import stored_files
from loaders.objects import list_objects
from loaders.summary import Summary

NOW = Options(keep_snapshots=timedelta(0), keep_orphans=timedelta(0))
MODEL_DDL = """
    create table {name} (
        event_id bigint, event_date date, space_type varchar, revenue decimal(18, 2),
        coordinates struct(pitch double, yaw double), tags varchar[], seen_at timestamp
    ) partitioned by (event_date, space_type) with ('format-version' = '2')
"""


@pytest.fixture
def each(either: dict[str, str]) -> Catalog:
    """Both catalogs, one after the other."""
    return load_catalog("default", **either)


@pytest.fixture
def lake(lakehouse: Store) -> duckdb.DuckDBPyConnection:
    connection = duckdb_session.connect()
    yield connection
    connection.close()


def test_many_small_loads(each: Catalog, namespace: str, tmp_path: Path) -> None:
    loads = 8
    for number in range(loads):
        (tmp_path / f"{number:03}.json").write_text(
            "".join(f'{{"n":{number},"i":{i},"t":"é\\n"}}\n' for i in range(200)) + "oops\n"
        )
        _load(each, namespace, tmp_path)
    names = [(namespace, "web_events"), (namespace, "load_batches")]
    before = {name: _arrow_rows(each, name) for name in names}
    spec = each.load_table(names[0]).spec()

    dry = maintain(each, names, Options(dry_run=True))
    assert [(report.data_files, report.data_files_after) for report in dry] == [(loads, 1)] * 2
    assert [len(each.load_table(name).snapshots()) for name in names] == [loads] * 2

    reports = maintain(each, names, NOW)

    assert [report.error for report in reports] == [None, None]
    for name, report in zip(sorted(names), reports, strict=True):
        table = each.load_table(name)
        assert (report.data_files, report.data_files_after, report.snapshots_after) == (loads, 1, 1)
        assert _arrow_rows(each, name) == before[name]
        assert len(list(table.scan().plan_files())) == 1
        assert report.files_rewritten == loads
        assert report.files_removed >= loads * 3, "data files, manifests and manifest lists"
        assert report.bytes_removed > 0
    assert each.load_table(names[0]).spec() == spec
    operation = each.load_table(names[0]).current_snapshot().summary
    assert operation.operation.value == "replace"
    assert (operation["total-data-files"], operation["total-records"]) == ("1", str(loads * 201))

    again = maintain(each, names, NOW)
    assert [report.files_rewritten for report in again] == [0, 0]
    assert _load(each, namespace, tmp_path).skipped == loads, "the ledger knows, without old snapshots"
    (tmp_path / "100.json").write_text('{"n":100}\n')
    assert _load(each, namespace, tmp_path).records == 1


def test_a_model_with_deletes(catalog: Catalog, lake: duckdb.DuckDBPyConnection, namespace: str) -> None:
    """Partitions, structs, lists, decimals, position deletes, a renamed column, an added one."""
    name = _model(lake, namespace)
    before = _rows(lake, name)
    table = catalog.load_table(name)
    partitions = _partitions(table)
    arrow_before = sorted(map(str, table.scan().to_arrow().to_pylist()))
    report = maintain(catalog, [name], NOW)[0]

    assert report.error is None
    assert report.delete_files > 0
    assert report.delete_files_after == 0
    assert report.data_files_after == 4 < report.data_files
    assert _rows(lake, name) == before
    fresh = catalog.load_table(name)
    assert fresh.schema() == table.schema()
    assert fresh.spec() == table.spec()
    assert _partitions(fresh) == partitions
    assert _field_ids(fresh) == [set(fresh.schema().field_ids)] * 4
    assert sorted(map(str, fresh.scan().to_arrow().to_pylist())) == arrow_before
    assert maintain(catalog, [name], NOW)[0].files_rewritten == 0
    lake.execute(f"delete from lake.{'.'.join(name)} where event_id < 10")
    left = [row for row in before if row[0] >= 10]
    assert _rows(lake, name) == left
    lake.execute(f"insert into lake.{'.'.join(name)} select * from lake.{'.'.join(name)}")
    assert _rows(lake, name) == sorted(left * 2, key=repr)


def test_files_without_rows_go(catalog: Catalog, lake: duckdb.DuckDBPyConnection, namespace: str) -> None:
    name = _model(lake, namespace)
    lake.execute(f"delete from lake.{'.'.join(name)} where space_type = 'a'")
    lake.execute(f"delete from lake.{'.'.join(name)}")
    report = maintain(catalog, [name], NOW)[0]
    assert (report.error, report.data_files_after, report.delete_files_after) == (None, 0, 0)
    assert _rows(lake, name) == []
    lake.execute(
        f"insert into lake.{'.'.join(name)} values (1, date '2026-01-05', 'a', 1, null, [], null, 'x')"
    )
    assert len(_rows(lake, name)) == 1


def test_a_time_that_python_has_not(
    catalog: Catalog, lake: duckdb.DuckDBPyConnection, namespace: str
) -> None:
    """It costs its table the maintenance, not the others; nothing is lost, and nothing left behind."""
    catalog.create_namespace(namespace)
    for name, year in (("a_before_christ", "0044-03-15 (BC)"), ("b_today", "2026-01-01")):
        lake.execute(f"create table lake.{namespace}.{name} (happened_at timestamp)")
        for _ in range(2):
            lake.execute(f"insert into lake.{namespace}.{name} values (timestamp '{year} 12:00:00')")
    names = [(namespace, "a_before_christ"), (namespace, "b_today")]
    stored = _stored(catalog, names[0])
    failed, done = maintain(catalog, names, NOW)
    assert "a_before_christ has timestamps outside of the years 1 to 9999" in str(failed.error)
    assert (done.error, done.data_files_after) == (None, 1)
    assert _stored(catalog, names[0]) == stored
    assert lake.execute(f"select count(*) from lake.{namespace}.a_before_christ").fetchone() == (2,)


def test_only_what_is_needed_is_stored(
    catalog: Catalog, lake: duckdb.DuckDBPyConnection, namespace: str
) -> None:
    """After maintenance each stored file is one that the metadata leads to, found by DuckDB's own reader."""
    name = _model(lake, namespace)
    table = catalog.load_table(name)
    orphan = f"{table.location()}/data/{uuid.uuid4()}.parquet"
    with table.io.new_output(orphan).create() as stream:
        stream.write(b"left by a crash")

    kept = maintain(catalog, [name], Options())[0]
    assert kept.error is None
    assert orphan in _stored(catalog, name), "young orphans may be somebody's next commit"
    assert kept.snapshots_after > 1

    maintain(catalog, [name], NOW)
    stored = _stored(catalog, name)
    assert orphan not in stored
    listed = {
        row[0]
        for row in lake.execute(
            f"select file_path from iceberg_metadata(lake.{'.'.join(name)}) where status <> 'DELETED'"
        ).fetchall()
    }
    assert {location for location in stored if location.endswith(".parquet")} == listed
    manifests = [location for location in stored if location.endswith(".avro")]
    assert len(manifests) == 3, "what was added, what was removed, and their list"


def test_a_writer_that_is_faster(
    each: Catalog, either: dict[str, str], namespace: str, tmp_path: Path
) -> None:
    """An append between plan and commit stays; a rewrite of files that others have changed is refused."""
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(f'{{"n":{number}}}\n')
        _load(each, namespace, tmp_path)
    table = each.load_table((namespace, "web_events"))
    plan = plan_compaction(table)
    (tmp_path / "3.json").write_text('{"n":3}\n')
    other = load_catalog("other", **either)
    _load(other, namespace, tmp_path)

    compact(table, plan)

    assert sorted(table.scan().to_arrow()["payload"].to_pylist()) == [f'{{"n":{n}}}' for n in range(4)]
    assert len(list(table.scan().plan_files())) == 2

    stale = each.load_table((namespace, "web_events"))
    plan = plan_compaction(stale)
    maintain(other, [(namespace, "web_events")], Options())
    with pytest.raises(Exception, match="another writer has changed its files"):
        compact(stale, plan)
    assert len(other.load_table((namespace, "web_events")).scan().to_arrow()) == 4


def test_beside_a_loader(each: Catalog, either: dict[str, str], namespace: str, tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.json").write_text(f'{{"n":{number}}}\n' * 3)
    summaries: list[Summary] = []

    def load() -> None:
        own = load_catalog("own", **either)
        summaries.append(_load(own, namespace, tmp_path, batch_size=BatchSize(1)))

    _load(each, namespace, tmp_path / "0.json")
    loader = threading.Thread(target=load)
    loader.start()
    reports: list[TableReport] = []
    # Orphans stay: those of the loader's next commit look like some.
    while loader.is_alive():
        reports += maintain(
            each,
            [(namespace, "web_events"), (namespace, "load_batches")],
            Options(keep_snapshots=timedelta(0)),
        )
    loader.join()
    assert summaries[0].loaded == 9
    assert any(report.files_rewritten for report in reports)
    rows = each.load_table((namespace, "web_events")).scan().to_arrow()["payload"].to_pylist()
    assert sorted(rows) == sorted(f'{{"n":{n}}}' for n in range(10) for _ in range(3))
    assert len(each.load_table((namespace, "load_batches")).scan().to_arrow()) == 10


def test_command_line(catalog: Catalog, lakehouse: Store, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(f'{{"maintained":{number}}}\n')
        assert CliRunner().invoke(main, ["firehose", str(tmp_path)]).exit_code == 0
    dry = CliRunner().invoke(main, ["maintain", "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "nothing was changed" in dry.output
    done = CliRunner().invoke(
        main, ["maintain", "raw.web_events", "--keep-snapshots", "0s", "--force", "--json"]
    )
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)
    loaded_at = (
        catalog.load_table("raw.web_events").scan(selected_fields=("loaded_at",)).to_arrow()["loaded_at"]
    )
    # One file for each day: tests run past midnight, too.
    days = len({moment.date() for moment in loaded_at.to_pylist()})
    assert (report["table"], report["data_files_after"], report["snapshots_after"]) == (
        "raw.web_events",
        days,
        1,
    )
    wrong = CliRunner().invoke(main, ["maintain", "--keep-orphans", "soon"])
    assert wrong.exit_code == 2
    assert "no time span" in wrong.stderr
    missing = CliRunner().invoke(main, ["maintain", "raw.nothing"])
    assert missing.exit_code == 1
    assert missing.stderr.startswith("Error: raw.nothing can't be maintained")


def _load(catalog: Catalog, namespace: str, path: Path, **options: Any) -> Summary:
    summary = Summary("web_events")
    loading.load(catalog, list_objects(str(path)), summary, source="firehose", namespace=namespace, **options)
    return summary


def _model(lake: duckdb.DuckDBPyConnection, namespace: str) -> tuple[str, str]:
    """A table as dbt's incremental models leave it: rows replaced by delete and insert, batch after batch."""
    name = (f"{namespace}_models", "fct")
    full = f"lake.{'.'.join(name)}"
    lake.execute(f"create schema if not exists lake.{name[0]}")
    lake.execute(MODEL_DDL.format(name=full))
    rows = (
        "select i, date '2026-01-05' + cast(i % 2 as int), chr(97 + cast(i // 2 % 2 as int)), i * 1.25, "
        "{{'pitch': i / 3.0, 'yaw': null}}, case when i % 3 = 0 then null else ['x', 'y'] end, "
        "timestamp '2026-01-05 10:00:00.123456' + interval (i) second from range({start}, {stop}) as t(i)"
    )
    for batch in range(4):
        lake.execute("begin")
        lake.execute(f"delete from {full} where event_id % 7 = {batch}")
        lake.execute(f"insert into {full} " + rows.format(start=batch * 100, stop=batch * 100 + 150))
        lake.execute("commit")
    lake.execute(f"alter table {full} rename column tags to labels")
    lake.execute(f"alter table {full} add column note varchar")
    return name


def _rows(lake: duckdb.DuckDBPyConnection, name: tuple[str, str]) -> list[tuple[Any, ...]]:
    return sorted(lake.execute(f"select * from lake.{'.'.join(name)}").fetchall(), key=repr)


def _arrow_rows(catalog: Catalog, name: tuple[str, str]) -> list[str]:
    return sorted(map(str, catalog.load_table(name).scan().to_arrow().to_pylist()))


def _stored(catalog: Catalog, name: tuple[str, str]) -> set[str]:
    return {file.location for file in stored_files(catalog.load_table(name))}


def _partitions(table: Table) -> set[str]:
    return {repr(task.file.partition) for task in table.scan().plan_files()}


def _field_ids(table: Table) -> list[set[int]]:
    """The field ids in the Parquet footers of the table's data files."""
    found = []
    for task in table.scan().plan_files():
        with table.io.new_input(task.file.file_path).open() as stream:
            parquet = str(pq.ParquetFile(stream).schema)
        found.append({int(number) for number in re.findall(r"field_id=(\d+)", parquet)})
    return found


# Other engines


class _FakeAthena:
    """Answers as Athena does; the real statements run in test_athena_maintenance.py."""

    def __init__(self, *failures: str) -> None:
        self.statements: list[str] = []
        self._failures = list(failures)

    def start_query_execution(self, QueryString: str, WorkGroup: str, **_: Any) -> dict[str, str]:
        self.statements.append(QueryString)
        return {"QueryExecutionId": "1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:
        status: dict[str, str] = {"State": "SUCCEEDED"}
        if self._failures and (reason := self._failures.pop(0)):
            status = {"State": "FAILED", "StateChangeReason": reason}
        return {"QueryExecution": {"Status": status}}


def _athena(monkeypatch: pytest.MonkeyPatch, fake: _FakeAthena) -> engines.Engine:
    monkeypatch.setattr(engines.boto3, "client", lambda name: fake)
    return engines.athena("group")


def test_athena_is_asked_again_as_long_as_it_wants_to(
    catalog: Catalog, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text("{}")
    _load(catalog, namespace, tmp_path)
    name = f"{namespace}.web_events"
    more = "ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED: run again"
    fake = _FakeAthena("", more, more, "")
    kept = Options(keep_snapshots=timedelta(2), keep_orphans=timedelta(1))
    (report,) = maintain_by(_athena(monkeypatch, fake), catalog, [(namespace, "web_events")], kept)
    assert report.error is None
    assert fake.statements == [
        f"ALTER TABLE {name} SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds' = '172800', "
        "'optimize_rewrite_data_file_threshold' = '2', 'optimize_rewrite_delete_file_threshold' = '1')",
        *[f"OPTIMIZE {name} REWRITE DATA USING BIN_PACK"] * 3,
        f"VACUUM {name}",
    ]
    failing = _FakeAthena("", "ICEBERG_COMMIT_ERROR: another writer")
    reports = maintain_by(
        _athena(monkeypatch, failing), catalog, [(namespace, "web_events"), (namespace, 'a"b')], Options()
    )
    assert "no plain name" in str(reports[0].error) or "can't be maintained" in str(reports[0].error)
    assert "ICEBERG_COMMIT_ERROR" in str(reports[1].error)
    dry = _FakeAthena()
    maintain_by(_athena(monkeypatch, dry), catalog, [(namespace, "web_events")], Options(dry_run=True))
    assert dry.statements == []
