"""Load times that were cut to milliseconds, as Athena's OPTIMIZE does: nothing is missed or loaded twice.

Loaders write whole milliseconds. The rows of older ones have microseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyiceberg.catalog import Catalog
from warehouse import Warehouse

from loaders import batch_files, commit, loading
from loaders.catalog import RAW_NAMESPACE
from loaders.commit import Batch, new_batch
from loaders.errors import LoaderError
from loaders.ledger import LEDGER, Ledger
from loaders.loading import prepare
from loaders.maintenance import Options, maintain
from loaders.objects import list_objects
from loaders.summary import Summary

RECORDS = 4
MICROSECONDS = 456


def rewrite(catalog: Catalog, table: tuple[str, str], change: Callable[[pa.Table], Any]) -> None:
    """Write a table anew with other load times."""
    opened = catalog.load_table(table)
    rows = opened.scan().to_arrow()
    at = rows.schema.get_field_index("loaded_at")
    changed = pc.cast(change(rows), pa.timestamp("us"))
    assert changed != rows["loaded_at"]
    opened.overwrite(rows.set_column(at, rows.schema.field(at), changed))


def with_microseconds(rows: pa.Table) -> Any:
    """As older loaders wrote them."""
    whole = pc.floor_temporal(rows["loaded_at"], unit="millisecond")
    return pc.add(whole, pa.scalar(timedelta(microseconds=MICROSECONDS), pa.duration("us")))


def cut(rows: pa.Table) -> Any:
    return pc.floor_temporal(rows["loaded_at"], unit="millisecond")


def half_of_it_cut(rows: pa.Table) -> Any:
    """Compaction takes small files, and leaves others of the same object."""
    return pc.if_else(pc.less(rows["source_position"], RECORDS // 2), cut(rows), rows["loaded_at"])


@pytest.fixture
def as_older_loaders(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_microseconds() -> Batch:
        batch = new_batch()
        return Batch(batch.batch_id, batch.loaded_at + timedelta(microseconds=MICROSECONDS))

    monkeypatch.setattr(batch_files, "new_batch", with_microseconds)


def put(directory: Path, name: str) -> None:
    (directory / f"{name}.json").write_text('{"is": "no event"}\n' * RECORDS)


def load(catalog: Catalog, namespace: str, directory: Path) -> Summary:
    prepare(catalog, namespace)
    summary = Summary("web_events")
    loading.load(catalog, list_objects(str(directory)), summary, source="firehose", namespace=namespace)
    return summary


def records(catalog: Catalog, namespace: str, table: str) -> Counter[str]:
    """How many rows there are of each object."""
    rows = catalog.load_table((namespace, table)).scan(selected_fields=("source_uri",)).to_arrow()
    return Counter(Path(uri).stem for uri in rows["source_uri"].to_pylist())


def test_loaders_write_whole_milliseconds(catalog: Catalog, namespace: str, tmp_path: Path) -> None:
    put(tmp_path, "a")
    load(catalog, namespace, tmp_path)
    for name in ("web_events", LEDGER):
        table = catalog.load_table((namespace, name))
        (loaded_at,) = set(table.scan().to_arrow()["loaded_at"].to_pylist())
        assert loaded_at.microsecond % 1000 == 0
        assert commit.latest_batch(table).loaded_at == loaded_at


@pytest.mark.usefixtures("as_older_loaders")
def test_a_batch_that_was_cut_before_it_is_in_the_ledger(
    catalog: Catalog, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a")
    load(catalog, namespace, tmp_path)
    put(tmp_path, "b")

    def crash(*_: Any, **__: Any) -> None:
        raise LoaderError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", crash)
        with pytest.raises(LoaderError, match="killed here"):
            load(catalog, namespace, tmp_path)
    rewrite(catalog, (namespace, "web_events"), cut)
    assert load(catalog, namespace, tmp_path).loaded == 0
    assert records(catalog, namespace, "web_events") == {"a": RECORDS, "b": RECORDS}
    assert records(catalog, namespace, LEDGER) == {"a": 1, "b": 1}


@pytest.mark.usefixtures("as_older_loaders")
@pytest.mark.parametrize("tables", [("web_events",), (LEDGER,), ("web_events", LEDGER)])
def test_without_the_snapshots_of_the_loads(
    tables: tuple[str, ...], catalog: Catalog, namespace: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        put(tmp_path, name)
        load(catalog, namespace, tmp_path)
    for table in tables:
        rewrite(catalog, (namespace, table), cut)
    names = [(namespace, "web_events"), (namespace, LEDGER)]
    assert not any(one.error for one in maintain(catalog, names, Options(keep_snapshots=timedelta(0))))
    put(tmp_path, "c")
    assert load(catalog, namespace, tmp_path).loaded == 1
    assert records(catalog, namespace, "web_events") == {"a": RECORDS, "b": RECORDS, "c": RECORDS}
    assert records(catalog, namespace, LEDGER) == {"a": 1, "b": 1, "c": 1}


@pytest.mark.usefixtures("as_older_loaders")
def test_an_object_of_which_half_was_cut_is_one_entry(
    catalog: Catalog, namespace: str, tmp_path: Path
) -> None:
    put(tmp_path, "a")
    load(catalog, namespace, tmp_path)
    rewrite(catalog, (namespace, "web_events"), half_of_it_cut)
    catalog.drop_table((namespace, LEDGER))
    assert load(catalog, namespace, tmp_path).loaded == 0
    (entry,) = catalog.load_table((namespace, LEDGER)).scan().to_arrow().to_pylist()
    assert entry["record_count"] == RECORDS


@pytest.mark.parametrize("table", ["load_batches", "web_events"])
def test_dbt_misses_no_record(warehouse: Warehouse, tmp_path: Path, table: str) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for number in range(2):
        put(landing, str(number))
        warehouse.load("firehose", landing)
        for name in ("load_batches", "web_events"):
            rewrite(warehouse.catalog(), (RAW_NAMESPACE, name), with_microseconds)
        if number:
            rewrite(warehouse.catalog(), (RAW_NAMESPACE, table), cut)
        warehouse.dbt("run", "--select", "+stg_web_events")
    count = {"n": 2 * RECORDS}
    assert warehouse.rows("analytics_staging.stg_web_events", "count(*) as n") == [count]
