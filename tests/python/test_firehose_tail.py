"""The tail of a Firehose stream: recent hours are listed, late objects found, and SIGTERM ends it well."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from loaders import firehose_tail, loading, objects
from loaders.firehose_tail import follow, start_after
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.store import Store
from loaders.ledger import Ledger
from loaders.loading import BatchSize
from loaders.objects import list_objects
from loaders.summary import Summary

HOUR = timedelta(hours=1)


def _put(root: Path, hour: datetime, name: str, *records: Any, layout: str = "%Y/%m/%d/%H") -> Path:
    path = root / hour.strftime(layout) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(map(json.dumps, records)).encode()))
    return path


def _load(catalog: Catalog, namespace: str, root: Path, after: str = "") -> Summary:
    summary = Summary("web_events")
    loading.load(
        catalog, list_objects(str(root), after=after), summary, source="firehose", namespace=namespace
    )
    return summary


@pytest.mark.parametrize("layout", ["%Y/%m/%d/%H", "year=%Y/month=%m/day=%d/hour=%H"])
def test_listing_starts_before_the_latest_hour(
    layout: str, catalog: Catalog, namespace: str, tmp_path: Path
) -> None:
    now = datetime(2026, 3, 1, 0, 30)
    for age in range(100):
        _put(tmp_path, now - age * HOUR, "stream-1-x.gz", {"age": age}, layout=layout)
    _put(tmp_path, datetime(2999, 1, 1), "stream-1-clock.gz", {"future": True}, layout=layout)
    assert _load(catalog, namespace, tmp_path).loaded == 101
    ledger = Ledger(catalog, namespace)

    after = start_after(ledger, str(tmp_path), timedelta(hours=3), now)
    assert after == (now - 3 * HOUR).strftime(layout) + "/"
    late = _put(tmp_path, now - 2 * HOUR, "stream-1-late.gz", {"late": True}, layout=layout)
    too_late = _put(tmp_path, now - 5 * HOUR, "stream-1-late.gz", {"late": 2}, layout=layout)
    new = _put(tmp_path, now + HOUR, "stream-1-new.gz", {"new": True}, layout=layout)

    listed = {one.uri for one in list_objects(str(tmp_path), after=after).objects}
    assert len(listed) == 4 + 2 + 1, "four hours, two new objects, and the one of the future"
    assert {late.as_uri(), new.as_uri()} < listed
    assert _load(catalog, namespace, tmp_path, after).loaded == 2
    assert start_after(ledger, str(tmp_path), None, now) == ""
    assert _load(catalog, namespace, tmp_path).loaded == 1, too_late


def test_only_folders_of_hours_give_a_checkpoint(catalog: Catalog, namespace: str, tmp_path: Path) -> None:
    _put(tmp_path / "stream-a", datetime(2026, 3, 1), "x.gz", {})
    _put(tmp_path / "stream-b", datetime(2026, 1, 1), "x.gz", {})
    assert start_after(Ledger(catalog, namespace), str(tmp_path)) == "", "nothing is loaded yet"
    _load(catalog, namespace, tmp_path)
    ledger = Ledger(catalog, namespace)
    assert start_after(ledger, str(tmp_path)) == "", "streams have hours of their own"
    assert start_after(ledger, str(tmp_path / "stream-b"), HOUR) == "2025/12/31/23/"


def test_the_ledger_is_read_by_its_days(
    catalog: Catalog, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(tmp_path, datetime(2026, 3, 1), "x.gz", {})
    _load(catalog, namespace, tmp_path)
    filters = []
    scan = Table.scan

    def note(table: Table, *args: Any, **options: Any) -> Any:
        filters.append(str(options["row_filter"]))
        return scan(table, *args, **options)

    monkeypatch.setattr(Table, "scan", note)
    start_after(Ledger(catalog, namespace), str(tmp_path))
    (one,) = filters
    assert "loaded_at" in one
    assert "StartsWith" in one


def test_s3_is_listed_from_there(
    lakehouse: Store, catalog: Catalog, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in lakehouse.aws_environment().items():
        monkeypatch.setenv(name, value)
    client = objects._s3_client()
    hours = [datetime(2026, 3, 1) + number * HOUR for number in range(5)]
    for hour in hours:
        client.put_object(Bucket="landing", Key=f"{namespace}/{hour:%Y/%m/%d/%H}/s-1", Body=b'{"a":1}{"b":2}')
    uri = f"s3://landing/{namespace}/"
    summary = Summary("web_events")
    loading.load(catalog, list_objects(uri), summary, source="firehose", namespace=namespace)
    assert (summary.loaded, summary.records) == (5, 10)
    after = start_after(Ledger(catalog, namespace), uri, HOUR)
    assert after == "2026/03/01/03/"
    assert [one.uri[len(uri) :] for one in list_objects(uri, after=after).objects] == [
        "2026/03/01/03/s-1",
        "2026/03/01/04/s-1",
    ]


def test_follow_waits_for_a_batch_and_survives_errors(
    catalog: Catalog, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    summaries: list[Summary] = []
    polls = 0
    now = datetime.now(UTC).replace(tzinfo=None)
    broken = _put(tmp_path, now, "cut.gz", {"n": 0})
    broken.write_bytes(broken.read_bytes()[:-5])
    monkeypatch.setattr(firehose_tail, "open_catalog", lambda: catalog)
    listing = objects.list_objects

    def list_and_count(uri: str, **options: Any) -> Any:
        nonlocal polls
        polls += 1
        if polls == 3:
            raise objects.LoaderError("the store is away for a moment")
        if polls == 4:
            _put(tmp_path, now, "new.gz", {"n": 1}, {"n": 2})
        if polls == 6:
            _put(tmp_path, now, "young.gz", {"n": 3})
            os.utime(tmp_path / now.strftime("%Y/%m/%d/%H") / "young.gz", (time.time() + 3600,) * 2)
        if polls == 8:
            stop.set()
        return listing(uri, **options)

    monkeypatch.setattr(firehose_tail, "list_objects", list_and_count)
    follow(
        str(tmp_path),
        stop=stop,
        report=summaries.append,
        batch_size=BatchSize(seconds=0),
        poll_seconds=0.01,
        namespace=namespace,
    )
    assert [(one.loaded, one.records, len(one.errors)) for one in summaries] == [
        (0, 0, 1),  # the cut file, once
        (0, 0, 1),  # the store
        (1, 2, 0),
    ], "the young object waits for its time"
    assert len(catalog.load_table((namespace, "web_events")).scan().to_arrow()) == 2


def test_sigterm_finishes_the_batch(lakehouse: Store, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for number in range(3):
        _put(tmp_path, now, f"{number}.gz", {"followed": number})
    command = ["firehose", str(tmp_path), "--follow", "--poll", "1s", "--batch-time", "1s", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "loaders", *command],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    first = json.loads(process.stdout.readline())
    assert first["records"] == 3
    _put(tmp_path, now, "4.gz", {"followed": 4})
    assert json.loads(process.stdout.readline())["records"] == 1
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
