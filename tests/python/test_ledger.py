"""A ledger that was dropped, restored or partly deleted is told, and written again from the raw rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.expressions import EqualTo, StartsWith

from loaders import ledger_cli, loading
from loaders.cli import main
from loaders.ledger import LEDGER, Ledger
from loaders.loading import BatchSize, prepare, reconcile
from loaders.maintenance import Options, maintain
from loaders.objects import list_objects
from loaders.summary import Summary

Row = dict[str, Any]
OBJECTS = 4
BLANK = OBJECTS
MALFORMED = 2


@pytest.fixture
def catalog(either: dict[str, str]) -> Catalog:
    return load_catalog("default", **either)


@pytest.fixture
def entries(catalog: Catalog, namespace: str, tmp_path: Path) -> list[Row]:
    """The ledger of four objects in batches of their own, and of one without records."""
    for number in range(OBJECTS):
        _put(tmp_path, number)
    (tmp_path / f"{BLANK}.json").write_text("\n \n")
    assert _load(catalog, namespace, tmp_path).loaded == OBJECTS + 1
    return _entries(catalog, namespace)


def _drop(catalog: Catalog, name: tuple[str, str]) -> None:
    catalog.drop_table(name)


def _restore(catalog: Catalog, name: tuple[str, str]) -> None:
    table = catalog.load_table(name)
    first = min(table.snapshots(), key=lambda snapshot: snapshot.sequence_number)
    table.manage_snapshots().set_current_snapshot(first.snapshot_id).commit()


def _delete(catalog: Catalog, name: tuple[str, str]) -> None:
    catalog.load_table(name).delete(EqualTo("record_count", 10))


@pytest.mark.parametrize("lose", [_drop, _restore, _delete])
def test_the_next_load_writes_it_again(
    lose: Any, catalog: Catalog, namespace: str, tmp_path: Path, entries: list[Row]
) -> None:
    lose(catalog, (namespace, LEDGER))
    _put(tmp_path, 9)
    summary = _load(catalog, namespace, tmp_path)
    has_lost_blank = lose is not _delete
    assert (summary.loaded, summary.errors) == (1 + has_lost_blank, [])
    assert summary.records == 10, "nothing twice"
    (note,) = summary.notes
    assert f"the ledger had lost {3 if lose is _restore else 4} objects of" in note
    now = _entries(catalog, namespace)
    assert _known(now, but="9.json") == _known(entries)
    assert sum(row["source_uri"].endswith(f"/{BLANK}.json") for row in now) == 1, "read again, empty again"
    assert len(_raw(catalog, namespace)) == 10 * (OBJECTS + 1)
    again = _load(catalog, namespace, tmp_path)
    assert (again.loaded, again.notes) == (0, [])


def test_what_maintenance_and_others_leave(
    catalog: Catalog, namespace: str, tmp_path: Path, entries: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the snapshots of the loads, too, and where batches did not yet note the ledger."""
    names = [(namespace, "web_events"), (namespace, LEDGER)]
    options = Options(keep_snapshots=timedelta(0))
    assert [one.error for one in maintain(catalog, names, options)] == [None, None]
    with monkeypatch.context() as patch:
        patch.setattr(loading, "rebuild", None)
        assert _load(catalog, namespace, tmp_path).skipped == OBJECTS + 1, "raw rows are not read for it"
    catalog.drop_table((namespace, LEDGER))
    notes, errors = reconcile(catalog, namespace)
    assert (len(notes), errors) == (1, {})
    assert _known(_entries(catalog, namespace)) == _known(entries)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "mark", lambda self: None)
        _put(tmp_path, 9)
        _load(catalog, namespace, tmp_path)
        catalog.drop_table((namespace, LEDGER))
        assert _load(catalog, namespace, tmp_path).records == 0
    assert _known(_entries(catalog, namespace), but="9.json") == _known(entries)


def test_a_ledger_that_was_dropped_is_completed_for_all_raw_tables(
    catalog: Catalog, namespace: str, tmp_path: Path, entries: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes it anew: dbt must not find an empty one, nor half of it."""
    products = Summary("products")
    listing = list_objects(str(tmp_path / "0.json"))
    loading.load(catalog, listing, products, source="historical", namespace=namespace)
    catalog.drop_table((namespace, LEDGER))
    notes, errors = prepare(catalog, namespace)
    # One batch alone may as well be what a killed run has left out.
    assert (len(notes), errors) == (1, {})
    now = _entries(catalog, namespace)
    assert _known([row for row in now if row["dataset"] == "web_events"]) == _known(entries)
    assert [row["record_count"] for row in now if row["dataset"] == "products"] == [10]
    monkeypatch.setattr(loading, "reconcile", None)
    assert prepare(catalog, namespace) == ([], {})


def test_command_line(
    catalog: Catalog, namespace: str, tmp_path: Path, entries: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_cli, "open_catalog", lambda: catalog)
    monkeypatch.setattr(ledger_cli, "RAW_NAMESPACE", namespace)

    def run(command: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["ledger", command])
        return done.exit_code, done.output

    assert run("check") == (0, f"raw.web_events: the ledger knows all {OBJECTS} objects\n")
    catalog.load_table((namespace, LEDGER)).delete(StartsWith("source_uri", (tmp_path / "1.json").as_uri()))
    status, text = run("check")
    assert (status, "the ledger lacks 1 objects of 1 batches" in text) == (1, True)
    catalog.drop_table((namespace, LEDGER))
    status, text = run("check")
    assert (status, "is missing: run 'ledger rebuild'" in text) == (1, True)
    assert run("rebuild") == (0, "raw.web_events: 4 objects of 4 batches written, of 4 objects\n")
    assert _known(_entries(catalog, namespace)) == _known(entries)
    assert run("check")[0] == 0
    assert run("rebuild")[1].startswith("raw.web_events: 0 objects")
    catalog.load_table((namespace, "web_events")).delete(EqualTo("payload", '{"n":3}'))
    assert "has 1 objects whose rows are gone" in run("check")[1]


def _put(folder: Path, number: int) -> None:
    lines = [f'{{"n":{number}}}'] * 10
    if number == MALFORMED:
        lines[:3] = ["oops"] * 3
    (folder / f"{number}.json").write_text("\n".join(lines))


def _load(catalog: Catalog, namespace: str, folder: Path) -> Summary:
    summary = Summary("web_events")
    loading.load(
        catalog,
        list_objects(str(folder)),
        summary,
        source="firehose",
        namespace=namespace,
        batch_size=BatchSize(1),
    )
    return summary


def _entries(catalog: Catalog, namespace: str) -> list[Row]:
    return catalog.load_table((namespace, LEDGER)).scan().to_arrow().to_pylist()


def _raw(catalog: Catalog, namespace: str) -> list[Row]:
    return catalog.load_table((namespace, "web_events")).scan().to_arrow().to_pylist()


def _known(entries: list[Row], but: str = "") -> list[Row]:
    """What raw rows can tell: all but the sizes, and the objects without records."""
    rows = [
        {**row, "source_size_bytes": None}
        for row in entries
        if row["record_count"] and not (but and row["source_uri"].endswith(f"/{but}"))
    ]
    return sorted(rows, key=lambda row: row["source_uri"])
