"""Exactly once: loaders that are killed, race, or talk to a store and a catalog that fail."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import load_server
import pytest
from faulty_proxy import faulty_proxy
from pyiceberg.catalog import Catalog, load_catalog

from loaders import loading, objects
from loaders.data_files import DataFileWriter
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.store import Store
from loaders.loading import reconcile
from loaders.objects import list_objects
from loaders.summary import Summary

# Of each catalog.
NAMESPACES, ROUNDS = {"rest": 3, "glue": 2}, 10
OBJECTS, RECORDS = 4, 25


class Server:
    """Loads in processes of their own, into one namespace, from one directory that grows."""

    def __init__(self, process: subprocess.Popen[str], properties: dict[str, str], home: Path) -> None:
        self.expected: list[str] = []
        self._home = home
        self._process = process
        self._properties = properties

    def begin(self, namespace: str) -> None:
        """Load into this namespace, which is empty, from now on; a first load makes its tables.

        The local catalog does not exclude that two loaders make a table at the same time.
        """
        self.root = self._home / namespace
        self.root.mkdir()
        self.expected = []
        self._common = {
            "properties": self._properties,
            "namespace": namespace,
            "uri": str(self.root),
            # Two objects a batch.
            "batch_bytes": 2 * RECORDS * 20 - 100,
        }
        self.put("warm-up")
        assert self.load()["statuses"] == [0]

    def put(self, label: str) -> None:
        """Some objects more, one of them without a record."""
        for number in range(OBJECTS):
            records = [f'{{"{label}":"{number}-{i:06}"}}' for i in range(RECORDS)]
            (self.root / f"{label}-{number}.json").write_text("\n".join(records))
            self.expected += records
        (self.root / f"{label}-blank.json").write_text("\n \n")

    def load(self, **job: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({**self._common, **job}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@pytest.fixture
def catalog(either: dict[str, str]) -> Catalog:
    return load_catalog("default", **either)


@pytest.fixture(scope="module")
def load_process(lakehouse: Store) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, load_server.__file__],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process
    assert process.stdin
    process.stdin.close()
    assert process.wait(10) == 0


@pytest.fixture
def server(
    load_process: subprocess.Popen[str], either: dict[str, str], namespace: str, tmp_path: Path
) -> Server:
    one = Server(load_process, either, tmp_path)
    one.begin(namespace)
    return one


def assert_exactly_once(catalog: Catalog, namespace: str, server: Server) -> None:
    """Raw holds each record once, and the ledger each object, with the same counts."""
    raw = catalog.load_table((namespace, "web_events")).scan().to_arrow().to_pylist()
    assert sorted(row["payload"] for row in raw) == sorted(server.expected)
    ledger = catalog.load_table((namespace, "load_batches")).scan().to_arrow().to_pylist()
    files = sorted(server.root.iterdir())
    assert sorted(row["source_uri"] for row in ledger) == [path.as_uri() for path in files]
    counts = {(row["source_uri"], row["batch_id"]): row["record_count"] for row in ledger}
    found: dict[tuple[str, str], int] = {}
    for row in raw:
        key = row["source_uri"], row["batch_id"]
        found[key] = found.get(key, 0) + 1
    assert found == {key: count for key, count in counts.items() if count}


def test_killed_at_random_instants(
    catalog: Catalog, either: dict[str, str], namespace: str, server: Server
) -> None:
    rng = random.Random(6)
    killed = 0
    namespaces = NAMESPACES[either["type"]]
    for part in range(namespaces):
        server.begin(f"{namespace}_{part}")
        server.put("timed")
        whole = server.load()["seconds"]
        for number in range(ROUNDS):
            server.put(f"round-{number}")
            killed += server.load(kill_after=rng.uniform(0, whole))["statuses"] == [-9]
            assert server.load()["statuses"] == [0]
            assert_exactly_once(catalog, f"{namespace}_{part}", server)
    print(f"killed {killed} of {namespaces * ROUNDS} times before the end")
    assert killed > namespaces * ROUNDS / 2


@pytest.mark.parametrize("step", load_server.STEPS)
def test_killed_at_a_step(step: str, catalog: Catalog, namespace: str, server: Server) -> None:
    server.put("second")
    assert server.load(kill_at=step)["statuses"] == [-9]
    assert server.load()["statuses"] == [0]
    assert_exactly_once(catalog, namespace, server)


def test_killed_again_while_it_makes_up_for_the_first_time(
    catalog: Catalog, namespace: str, server: Server
) -> None:
    server.put("a")
    assert server.load(kill_at="after the data commit")["statuses"] == [-9]
    # What it commits first now are the entries that the ledger lacks.
    for step in ("before the data commit", "after the data commit"):
        assert server.load(kill_at=step)["statuses"] == [-9]
    assert server.load()["statuses"] == [0]
    assert_exactly_once(catalog, namespace, server)


def test_races(catalog: Catalog, namespace: str, server: Server) -> None:
    """Three loaders at the same time on the same objects; in half of the rounds one of them is killed."""
    rng = random.Random(7)
    for number in range(4):
        server.put(f"race-{number}")
        more = {"kill_after": rng.uniform(0.2, 1.5)} if number % 2 else {}
        done = server.load(loaders=3, **more)
        assert done["statuses"][1:] == [0, 0]
        if number % 2:
            assert server.load()["statuses"] == [0]
        assert_exactly_once(catalog, namespace, server)


def test_without_the_snapshots(catalog: Catalog, namespace: str, server: Server) -> None:
    """Snapshots that others have expired after a crash are not missed; maintenance of ours never needs to."""
    server.put("a")
    assert server.load(kill_at="after the data commit")["statuses"] == [-9]
    table = catalog.load_table((namespace, "web_events"))
    crashed = table.current_snapshot()
    assert crashed
    # Another engine's rewrite: a new current snapshot that names no batch.
    with table.transaction() as transaction, transaction.update_snapshot().overwrite() as update:
        rows = table.scan().to_arrow()
        for task in table.scan().plan_files():
            update.delete_data_file(task.file)
        writer = DataFileWriter(table, next(iter(table.scan().plan_files())).file.partition)
        writer.write(rows)
        update.append_data_file(writer.close())
    table.maintenance.expire_snapshots().by_id(crashed.snapshot_id).commit()
    reconcile(catalog, namespace)
    loaded = set(rows["source_uri"].to_pylist())
    ledger = catalog.load_table((namespace, "load_batches")).scan().to_arrow()
    assert loaded <= set(ledger["source_uri"].to_pylist())
    assert server.load()["statuses"] == [0]
    assert_exactly_once(catalog, namespace, server)


# Stores and catalogs that fail


@pytest.fixture
def s3_through(lakehouse: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sends boto3 to an endpoint."""

    def send(url: str) -> None:
        for name, value in {**lakehouse.aws_environment(), "AWS_ENDPOINT_URL_S3": url}.items():
            monkeypatch.setenv(name, value)

    return send


def test_a_store_that_throttles_and_breaks_off(
    lakehouse: Store, catalog: Catalog, namespace: str, s3_through: Any
) -> None:
    s3_through(lakehouse.s3_endpoint)
    client = objects._s3_client()
    records = [f'{{"n":{n},"text":"{"x" * 500}"}}' for n in range(4000)]
    for number in range(4):
        body = "\n".join(records[number * 1000 : number * 1000 + 1000]).encode()
        client.put_object(Bucket="landing", Key=f"{namespace}/{number}", Body=body)
    rng = random.Random(1)

    def fault(method: str, path: str, number: int) -> str | None:
        return rng.choice(["throttle", "cut", None, None])

    with faulty_proxy(lakehouse.s3_endpoint, fault) as proxy:
        s3_through(proxy.url)
        summary = Summary("web_events")
        listing = list_objects(f"s3://landing/{namespace}/")
        loading.load(catalog, listing, summary, source="firehose", namespace=namespace)
    faults = [kind for _, _, kind in proxy.requests]
    assert {"throttle", "cut"} <= set(faults)
    assert (summary.loaded, summary.errors) == (4, [])
    raw = catalog.load_table((namespace, "web_events")).scan().to_arrow()
    assert sorted(raw["payload"].to_pylist()) == sorted(records)


def test_a_store_that_goes_on_failing_is_an_error_of_the_object(
    lakehouse: Store,
    catalog: Catalog,
    namespace: str,
    s3_through: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3_through(lakehouse.s3_endpoint)
    client = objects._s3_client()
    for name in ("good", "never"):
        client.put_object(Bucket="landing", Key=f"{namespace}/{name}", Body=b'{"a":1}\n' * 100)
    monkeypatch.setattr(objects, "_READ_WAITS_SECONDS", (0.01, 0.01))
    with faulty_proxy(
        lakehouse.s3_endpoint, lambda _, path, __: "cut" if path.endswith("/never") else None
    ) as proxy:
        s3_through(proxy.url)
        summary = Summary("web_events")
        listing = list_objects(f"s3://landing/{namespace}/")
        loading.load(catalog, listing, summary, source="firehose", namespace=namespace)
    assert summary.loaded == 1
    (error,) = summary.errors
    assert f"s3://landing/{namespace}/never can't be read" in str(error)
    assert len(catalog.load_table((namespace, "web_events")).scan().to_arrow()) == 100
