"""Loading: every record once and verbatim, whatever happens on the way; one clear line for every error."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitStateUnknownException
from pyiceberg.table import Table

from loaders import catalog as catalog_module
from loaders import commit, loading, objects
from loaders.cli import main
from loaders.errors import LoaderError
from loaders.lakehouse.store import Store
from loaders.ledger import Ledger
from loaders.loading import BatchSize
from loaders.objects import list_objects
from loaders.sample import generate_sample
from loaders.summary import Summary

PROJECT = Path(__file__).parents[2]


class Lake:
    """A raw namespace under test."""

    def __init__(self, catalog: Catalog, namespace: str) -> None:
        self.catalog = catalog
        self.namespace = namespace

    def load(self, path: Path | str, dataset: str = "web_events", **options: Any) -> Summary:
        summary = Summary(dataset)
        loading.load(
            self.catalog,
            list_objects(str(path)),
            summary,
            **{"source": "firehose", "namespace": self.namespace, **options},
        )
        return summary

    def table(self, name: str = "web_events") -> Table:
        return self.catalog.load_table((self.namespace, name))

    def rows(self, name: str = "web_events") -> list[dict[str, Any]]:
        table = self.table(name).scan().to_arrow()
        keys = [
            (key, "ascending")
            for key in ("source_uri", "source_etag", "source_position")
            if key in table.column_names
        ]
        return table.sort_by(keys).to_pylist()

    def commits(self) -> int:
        return sum(len(self.table(name).snapshots()) for name in ("web_events", "load_batches"))

    def assert_each_once(self, expected: dict[str, list[str]]) -> None:
        """Raw holds exactly these payloads by file name, and the ledger accounts for each object once."""
        raw = self.rows()
        found = {
            name: [r["payload"] for r in raw if r["source_uri"].endswith(f"/{name}")] for name in expected
        }
        assert found == expected
        assert len(raw) == sum(map(len, expected.values()))
        ledger = {row["source_uri"].rsplit("/", 1)[1]: row for row in self.rows("load_batches")}
        assert len(self.rows("load_batches")) == len(expected)
        assert {name: row["record_count"] for name, row in ledger.items()} == {
            name: len(payloads) for name, payloads in expected.items()
        }
        batches = {(row["source_uri"], row["batch_id"], row["loaded_at"]) for row in raw}
        assert batches == {(row["source_uri"], row["batch_id"], row["loaded_at"]) for row in ledger.values()}


@pytest.fixture
def lake(catalog: Catalog, namespace: str) -> Lake:
    return Lake(catalog, namespace)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """Three objects of two records each."""
    for name in "abc":
        (tmp_path / f"{name}.json").write_text(f'{{"{name}":1}}\n{{"{name}":2}}\n')
    return tmp_path


LANDING = {f"{name}.json": [f'{{"{name}":1}}', f'{{"{name}":2}}'] for name in "abc"}


def test_rows_are_verbatim_and_say_where_they_came_from(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "día 1" / "events.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress('{"é":1.50}{"a":1,"a":2}\n\nnot json\n'.encode() + b'{"x":"\xff"}'))
    modified = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)
    os.utime(path, ns=(0, int(modified.timestamp()) * 10**9 + 123_456_789))
    before = datetime.now(UTC).replace(tzinfo=None)

    summary = lake.load(tmp_path)

    assert (summary.objects, summary.loaded, summary.records, summary.malformed) == (1, 1, 4, 2)
    rows = lake.rows()
    invalid = base64.b64encode(b'{"x":"\xff"}').decode()
    assert [(row["payload"], row["payload_encoding"], row["parse_error"]) for row in rows] == [
        ('{"é":1.50}', "utf8", None),
        ('{"a":1,"a":2}', "utf8", None),
        ("not json", "utf8", "invalid JSON: invalid literal, expected 'null'"),
        (invalid, "base64", "invalid UTF-8"),
    ]
    loaded_at = rows[0]["loaded_at"]
    assert before <= loaded_at <= before + timedelta(minutes=1)
    batch_id = f"{loaded_at:%Y%m%dT%H%M%S.%fZ}-"
    for position, row in enumerate(rows):
        assert row["batch_id"].startswith(batch_id)
        del row["payload"], row["payload_encoding"], row["parse_error"], row["batch_id"]
        assert row == {
            "source": "firehose",
            "source_uri": path.as_uri(),
            "source_etag": hashlib.sha256(path.read_bytes()).hexdigest(),
            "source_position": position,
            "source_modified_at": modified.replace(tzinfo=None),
            "loaded_at": loaded_at,
        }
    (entry,) = lake.rows("load_batches")
    assert entry.pop("batch_id") == summary.batch_ids[0]
    assert entry == {
        "dataset": "web_events",
        "source": "firehose",
        "source_uri": path.as_uri(),
        "source_etag": hashlib.sha256(path.read_bytes()).hexdigest(),
        "source_modified_at": modified.replace(tzinfo=None),
        "source_size_bytes": path.stat().st_size,
        "record_count": 4,
        "malformed_count": 2,
        "loaded_at": loaded_at,
    }


def test_tables_have_the_contract_schema_and_partitions(lake: Lake, landing: Path) -> None:
    lake.load(landing)
    envelope = {
        "payload": "string",
        "payload_encoding": "string",
        "parse_error": "string",
        "source": "string",
        "source_uri": "string",
        "source_etag": "string",
        "source_position": "long",
        "source_modified_at": "timestamp",
        "batch_id": "string",
        "loaded_at": "timestamp",
    }
    raw = lake.table()
    assert {field.name: str(field.field_type) for field in raw.schema().fields} == envelope
    for table in (raw, lake.table("load_batches")):
        assert table.format_version == 2
        (partition,) = table.spec().fields
        assert str(partition.transform) == "day"
        assert table.schema().find_column_name(partition.source_id) == "loaded_at"


def test_a_version_is_loaded_once(lake: Lake, landing: Path) -> None:
    lake.load(landing)
    commits = lake.commits()
    again = lake.load(landing)
    assert (again.objects, again.loaded, again.skipped, again.batch_ids) == (3, 0, 3, [])
    assert lake.commits() == commits
    lake.assert_each_once(LANDING)

    (landing / "b.json").write_text('{"b":3}')
    changed = lake.load(landing)
    assert (changed.loaded, changed.skipped, changed.records, changed.changed) == (1, 2, 1, 1)
    assert "1 objects had changed" in changed.to_text()
    versions = [row["source_etag"] for row in lake.rows() if row["source_uri"].endswith("b.json")]
    assert len(versions) == 3
    assert len(set(versions)) == 2
    assert lake.load(landing, "products").loaded == 3, "each dataset has its own account"


def test_only_the_ledger_is_read(lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.load(landing)
    (landing / "d.json").write_text("{}")
    scanned = []
    scan = Table.scan

    def note_scan(table: Table, *args: Any, **options: Any) -> Any:
        scanned.append((table.name()[-1], str(options["row_filter"])))
        return scan(table, *args, **options)

    monkeypatch.setattr(Table, "scan", note_scan)
    assert lake.load(landing).loaded == 1
    assert [name for name, _ in scanned] == ["load_batches"]
    for part in ("dataset", f"literal('{landing.as_uri()}/a.json')", f"literal('{landing.as_uri()}/d.json')"):
        assert part in scanned[0][1]


def test_batches_hold_whole_objects(lake: Lake, landing: Path) -> None:
    summary = lake.load(landing, batch_size=BatchSize(17))  # an object has 16
    assert len(summary.batch_ids) == 2
    assert summary.batch_ids == sorted(summary.batch_ids)
    assert len(lake.table().snapshots()) == 2
    lake.assert_each_once(LANDING)
    by_object = {(row["source_uri"], row["batch_id"]) for row in lake.rows()}
    assert len(by_object) == 3


@pytest.mark.parametrize(
    "content", [b"\n \n", gzip.compress(b""), b"\xef\xbb\xbf"], ids=["blank", "gzip", "mark"]
)
def test_an_object_without_records_is_loaded_once(content: bytes, lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "part-0.json").write_bytes(content)
    first = lake.load(tmp_path)
    assert (first.loaded, first.records, first.errors) == (1, 0, [])
    assert lake.load(tmp_path).skipped == 1
    assert [row["record_count"] for row in lake.rows("load_batches")] == [0]


# What jobs leave beside their data, and data whose names merely look so.
MARKERS = (
    "_SUCCESS",
    "_started_4711",
    "_committed_4711",
    "_temporary/0/part-0.json",
    "_delta_log/0.json",
    "_metadata",
    ".DS_Store",
    ".part-0.json.crc",
    "day/part-0.json.crc",
    "day_$folder$",
)
NO_MARKERS = (
    "_events.json",
    "_2026/_part.json",
    "_SUCCESS.json",
    "metadata.json",
    "x/_SUCCESSES",
    "a.crc.json",
)


def test_markers_are_counted_and_left_out(lake: Lake, tmp_path: Path) -> None:
    for name in (*MARKERS, *NO_MARKERS, "day/none.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("" if name == "day/none.json" else '{"a":1}')
    summary = lake.load(tmp_path)
    assert (summary.objects, summary.loaded, summary.markers) == (len(NO_MARKERS), len(NO_MARKERS), 11)
    assert summary.errors == []
    found = {row["source_uri"].removeprefix(tmp_path.as_uri() + "/") for row in lake.rows()}
    assert found == set(NO_MARKERS)
    assert json.loads(summary.to_json())["markers"] == 11
    assert "\n11 without data were skipped" in summary.to_text()
    assert lake.load(tmp_path / "_SUCCESS").loaded == 1, "what is named itself is taken"


def test_the_ratio_of_unpacking_is_an_option(lakehouse: Store, tmp_path: Path) -> None:
    """A bomb ends in one line and exit 1, the object beside it is loaded; with a higher ratio both are."""
    bomb = gzip.compress((b'{"n":%199d}\n' % 1) * 50_000) * 28  # 285 MB
    (tmp_path / "bomb.json.gz").write_bytes(bomb)
    (tmp_path / "sound.json").write_text("{}")
    refused = _program("firehose", "--json", str(tmp_path))
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"Error: {tmp_path.as_uri()}/bomb.json.gz unpacks to more than 250 times its size")
    assert json.loads(refused.stdout)["loaded"] == 1
    done = _program("historical", "--max-ratio", "1000", "--json", str(tmp_path))
    assert (done.returncode, json.loads(done.stdout)["records"]) == (0, 1_400_000)


def test_crash_between_rows_and_ledger(lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.load(landing / "a.json")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", _crash)
        with pytest.raises(RuntimeError):
            lake.load(landing, batch_size=BatchSize(1))
    assert len(lake.rows()) == 4
    assert len(lake.rows("load_batches")) == 1

    (landing / "c.json").unlink()
    assert lake.load(landing).loaded == 0
    (landing / "c.json").write_text('{"c":1}\n{"c":2}\n')
    assert lake.load(landing).loaded == 1
    lake.assert_each_once(LANDING)
    assert [row["source_size_bytes"] for row in lake.rows("load_batches")] == [16, 16, 16]


def test_crash_before_the_commit(lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(commit, "commit", _crash)
        with pytest.raises(RuntimeError):
            lake.load(landing)
    assert lake.rows() == lake.rows("load_batches") == []
    assert lake.load(landing).loaded == 3
    lake.assert_each_once(LANDING)


def test_unknown_outcome_of_a_commit(lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_table = commit._OneTry.commit_table
    outcomes = iter([(True, True), (False, True), (True, True)])  # lands? unknown?

    def flaky(*arguments: Any) -> Any:
        lands, is_unknown = next(outcomes, (True, False))
        answer = commit_table(*arguments) if lands else None
        if is_unknown:
            raise CommitStateUnknownException("504")
        return answer

    monkeypatch.setattr(commit._OneTry, "commit_table", flaky)
    assert lake.load(landing).loaded == 3
    assert next(outcomes, None) is None
    lake.assert_each_once(LANDING)


def test_a_catalog_that_refuses_every_commit(
    lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise CommitStateUnknownException("500")

    monkeypatch.setattr(commit._OneTry, "commit_table", refuse)
    monkeypatch.setattr(commit, "_WAITS_SECONDS", (0, 0))
    with pytest.raises(LoaderError, match=f"{lake.namespace}.web_events does not take a commit, run again"):
        lake.load(landing)


def test_another_run_between_rows_and_ledger(
    lake: Lake, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other run takes this one for crashed and writes its ledger entries."""
    record = Ledger.record
    others: list[Summary] = []

    def record_after_other(*arguments: Any, **options: Any) -> None:
        if not others:
            others.append(Summary("web_events"))
            others[0] = lake.load(landing)
        record(*arguments, **options)

    monkeypatch.setattr(Ledger, "record", record_after_other)
    assert lake.load(landing).loaded == 3
    assert (others[0].loaded, others[0].skipped) == (0, 3)
    lake.assert_each_once(LANDING)


def test_runs_at_the_same_time(lake: Lake, lakehouse: Store, landing: Path) -> None:
    lake.load(landing / "a.json")
    summaries: list[Summary] = []

    def load() -> None:
        own = Lake(load_catalog("default", **lakehouse.catalog_properties()), lake.namespace)
        summaries.append(own.load(landing, batch_size=BatchSize(1)))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(summary.loaded for summary in summaries) == 2
    assert sum(summary.skipped for summary in summaries) == 10
    lake.assert_each_once(LANDING)


def test_sound_objects_are_loaded_beside_broken_ones(lake: Lake, landing: Path) -> None:
    (landing / "cut.gz").write_bytes(gzip.compress(b'{"a":1}\n' * 1000)[:-20])
    (landing / "twice.gz").write_bytes(gzip.compress(gzip.compress(b"PAR1" + bytes(99))))
    (landing / "header.csv").write_bytes(b"\xff,b\n1,2\n")
    (landing / "_SUCCESS").touch()
    (landing / ".hidden").write_text("{}")
    summary = lake.load(landing)
    assert (summary.objects, summary.markers, summary.loaded, summary.skipped) == (6, 2, 3, 0)
    messages = sorted(str(error) for error in summary.errors)
    assert [next(n for n in ("cut", "header", "twice") if n in message) for message in messages] == [
        "cut",
        "header",
        "twice",
    ]
    lake.assert_each_once(LANDING)


def test_a_file_that_changes_while_it_is_loaded(lake: Lake, landing: Path) -> None:
    listing = list_objects(str(landing))
    (landing / "b.json").write_text('{"b":3}')
    summary = Summary("web_events")
    loading.load(lake.catalog, listing, summary, source="firehose", namespace=lake.namespace)
    assert (summary.loaded, len(summary.errors)) == (2, 1)
    assert "b.json changed since it was listed" in str(summary.errors[0])


def test_csv_archive(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "p.csv.gz").write_bytes(
        gzip.compress('id,name\n1,"Sofa\n""Oslo"""\n2\n1,2,3\n'.encode("utf-8-sig"))
    )
    summary = lake.load(tmp_path, "products", source="historical")
    assert (summary.records, summary.malformed) == (3, 1)
    rows = lake.rows("products")
    assert json.loads(rows[0]["payload"]) == {"id": "1", "name": 'Sofa\n"Oslo"'}
    assert [row["payload"] for row in rows[1:]] == ['{"id":"2"}', "1,2,3"]
    assert {row["source"] for row in rows} == {"historical"}


def test_a_foreign_table_is_refused(lake: Lake, landing: Path) -> None:
    lake.catalog.create_namespace(lake.namespace)
    lake.catalog.create_table((lake.namespace, "web_events"), pa.schema([("loaded_at", pa.string())]))
    with pytest.raises(LoaderError, match="has no column payload of type string"):
        lake.load(landing)


def test_the_sample_has_the_records_that_its_manifest_counts(lake: Lake, tmp_path: Path) -> None:
    manifest = generate_sample(tmp_path, events=3000, days=4, seed=7, start=date(2026, 1, 5))
    for source, folder in (("firehose", "firehose"), ("historical", "archive")):
        summary = lake.load(tmp_path / folder, source=source)
        assert manifest.loaders[source] == {
            "objects": summary.loaded,
            "records": summary.records,
            "malformed": summary.malformed,
        }
    for dataset in ("transactions", "products", "reviews"):
        assert lake.load(tmp_path / dataset, dataset).records == manifest.datasets[dataset]["records"]


# S3


@pytest.fixture
def s3(lakehouse: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in lakehouse.aws_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    return boto3.Session().client("s3")


def test_s3(lake: Lake, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = lake.namespace
    for number in range(12):
        s3.put_object(Bucket="landing", Key=f"{prefix}/d+ä/{number:04}", Body=f'{{"n":{number}}}'.encode())
    for hidden in ("_SUCCESS", "_temporary/x", "d+ä/.part", "x_$folder$", "x.crc"):
        s3.put_object(Bucket="landing", Key=f"{prefix}/{hidden}", Body=b"{}")
    for empty in ("folder/", "none.json"):
        s3.put_object(Bucket="landing", Key=f"{prefix}/{empty}", Body=b"")
    summary = lake.load(f"s3://landing/{prefix}/")
    assert (summary.objects, summary.loaded, summary.markers, summary.errors) == (12, 12, 7, [])
    rows = lake.rows()
    assert [row["payload"] for row in rows] == [f'{{"n":{number}}}' for number in range(12)]
    assert rows[0]["source_uri"] == f"s3://landing/{prefix}/d+ä/0000"
    head = s3.head_object(Bucket="landing", Key=f"{prefix}/d+ä/0000")
    assert f'"{rows[0]["source_etag"]}"' == head["ETag"]
    assert rows[0]["source_modified_at"] == head["LastModified"].replace(tzinfo=None)

    read: list[str] = []
    opened = objects._S3Object
    monkeypatch.setattr(
        objects, "_S3Object", lambda client, stored: read.append(stored.uri) or opened(client, stored)
    )
    s3.put_object(Bucket="landing", Key=f"{prefix}/d+ä/0001", Body=b'{"n":-1}')
    assert lake.load(f"s3://landing/{prefix}/d").skipped == 11
    assert read == [f"s3://landing/{prefix}/d+ä/0001"]


def test_s3_object_changes_or_goes_while_it_is_loaded(lake: Lake, s3: Any) -> None:
    keys = [f"{lake.namespace}/{name}" for name in "abc"]
    for key in keys:
        s3.put_object(Bucket="landing", Key=key, Body=b'{"a":1}')
    listing = list_objects(f"s3://landing/{lake.namespace}/")
    s3.put_object(Bucket="landing", Key=keys[0], Body=b'{"a":2}')
    s3.delete_object(Bucket="landing", Key=keys[1])
    summary = Summary("web_events")
    loading.load(lake.catalog, listing, summary, source="firehose", namespace=lake.namespace)
    assert summary.loaded == 1
    assert ["it changed since" in str(error) for error in summary.errors] == [True, False]
    assert ["it is gone since" in str(error) for error in summary.errors] == [False, True]


# The command line


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def assert_one_error(result: Result, *parts: str) -> None:
    assert result.exit_code == 1, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    for part in parts:
        assert part in line


@pytest.mark.usefixtures("lakehouse")
def test_command_line(landing: Path, catalog: Catalog) -> None:
    (landing / "table.json").write_bytes(b"Obj\x01\x04")
    result = invoke("firehose", "--json", landing)
    assert_one_error(result, f"{landing.as_uri()}/table.json is an Avro file: ")
    document = json.loads(result.stdout)
    assert {
        key: document[key]
        for key in ("objects", "markers", "loaded", "skipped", "records", "malformed", "batches")
    } == {
        "objects": 4,
        "markers": 0,
        "loaded": 3,
        "skipped": 0,
        "records": 6,
        "malformed": 0,
        "batches": 1,
    }
    assert document["bytes"] == 48
    assert document["seconds"] > 0
    assert document["records_per_second"] > 0
    assert [line.removeprefix("Error: ") for line in result.stderr.splitlines()] == document["errors"]

    (landing / "table.json").unlink()
    again = invoke("firehose", landing)
    assert again.exit_code == 0
    assert again.stdout == "raw.web_events: 0 of 3 objects loaded, 3 already there\n"
    assert again.stderr == ""
    assert invoke("historical", landing / "a.json", "--into", "reviews").exit_code == 0
    assert catalog.table_exists("raw.reviews")


def test_as_a_program(lakehouse: Store, tmp_path: Path) -> None:
    result = _program("firehose", str(tmp_path / "missing"))
    assert (result.returncode, result.stdout) == (
        1,
        "raw.web_events: 0 of 0 objects loaded, 0 already there, 1 with errors\n",
    )
    assert result.stderr == f"Error: {tmp_path / 'missing'} does not exist: check the path\n"


def test_traceback_with_debug(tmp_path: Path) -> None:
    result = invoke("--debug", "firehose", tmp_path / "missing")
    assert result.exit_code == 1
    assert result.stderr.startswith("Traceback")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("{tmp}/missing", "{tmp}/missing does not exist"),
        ("file://{tmp}/missing", "{tmp}/missing does not exist"),
        ("{tmp}", "{tmp} holds no objects"),
        ("gs://bucket/x", "gs://bucket/x: 'gs://' can't be read"),
        ("s3://", "names no bucket"),
        ("s3://no-such-bucket/x", "s3://no-such-bucket/x can't be read: there is no such bucket"),
        ("s3://landing/no/such/prefix", "s3://landing/no/such/prefix holds no objects"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_nothing_to_load(uri: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "_SUCCESS").touch()
    result = invoke("firehose", "--json", uri.format(tmp=tmp_path))
    assert_one_error(result, message.format(tmp=tmp_path))
    assert json.loads(result.stdout)["errors"] == [result.stderr.strip().removeprefix("Error: ")]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no AWS credentials were found"),
        ({"AWS_ACCESS_KEY_ID": "unknown"}, "the access key is unknown there"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "the secret key is wrong"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "Could not connect to the endpoint"),
        ({"AWS_ENDPOINT_URL_S3": "nonsense"}, "Invalid endpoint"),
        ({"AWS_PROFILE": "unknown"}, "profile (unknown) could not be found"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_unreadable_bucket(
    environment: dict[str, str | None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    assert_one_error(invoke("firehose", "s3://landing/x"), "s3://landing/x can't be read: ", message)


@pytest.mark.parametrize("arguments", [["historical", "x", "--into", "orders"], ["firehose"], ["unknown"]])
def test_wrong_usage(arguments: list[str]) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_store_that_can_not_start(landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "other"))
    monkeypatch.setenv("LAKEHOUSE_PORT", "nonsense")
    assert_one_error(invoke("firehose", landing), "LAKEHOUSE_PORT")


@pytest.fixture
def no_local_lakehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "ensure_running", _crash)


@pytest.mark.usefixtures("no_local_lakehouse")
def test_configured_catalog(lakehouse: Store, landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lakehouse.catalog_properties().items():
        key = name.replace("-", "_").replace(".", "__").upper()
        monkeypatch.setenv(f"PYICEBERG_CATALOG__DEFAULT__{key}", value)
    result = invoke("historical", landing, "--into", "transactions", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["loaded"] == 3


@pytest.mark.usefixtures("no_local_lakehouse")
def test_catalog_that_can_not_be_reached(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__URI", "http://127.0.0.1:9")
    assert_one_error(
        invoke("firehose", landing), "the Iceberg catalog 'default' (http://127.0.0.1:9) can't be opened"
    )


def test_an_unexpected_error_is_one_line(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loaders.loading.open_catalog", _crash)
    assert_one_error(invoke("firehose", landing), "RuntimeError: crash", "--debug")


def test_sample_command(tmp_path: Path) -> None:
    arguments = ("sample", "--out", tmp_path / "s", "--events", 50, "--days", 1, "--seed", 3)
    assert invoke(*arguments).exit_code == 0
    assert (tmp_path / "s" / "manifest.json").exists()
    assert_one_error(invoke(*arguments[:-1], 4), f"{tmp_path / 's'} holds another sample")


def _crash(*args: Any, **options: Any) -> Iterator[Any]:
    raise RuntimeError("crash")


def _program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "loaders", *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
