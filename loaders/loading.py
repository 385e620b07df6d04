"""One run of a loader: from a URI to rows in a raw table and in the ledger, each object version once.

A batch is two commits: its rows, then its ledger entries. Rows are only appended on a state of the raw table
in which all batches before are in the ledger. So at any time at most one batch, the latest, can lack its
entries: the run that loaded it has crashed, or is about to write them. The rows' snapshot names the batch; a
run looks at the latest one, and writes what is missing, before it decides what is left to do. That is also
how two runs at once keep from loading an object twice. `maintain` does it before it expires snapshots.

The snapshot also notes which table the ledger was and how many entries it had. A ledger that is another one
or has fewer (dropped, restored, partly deleted) is compared with all rows, and completed from them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pyiceberg.catalog import Catalog
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import EqualTo
from pyiceberg.table import Table

from loaders.batch_files import BatchFiles
from loaders.catalog import RAW_NAMESPACE, catalog_errors, open_catalog, open_table
from loaders.commit import (
    Batch,
    ConflictError,
    append_files,
    around,
    holds_batch,
    latest_batch,
    notes_of_latest_batch,
    row_count,
    rows_of,
)
from loaders.envelope import RAW_SCHEMA
from loaders.errors import LoaderError
from loaders.ledger import LEDGER, Ledger, LedgerEntry, Version, ledger_rows
from loaders.object_reader import Finished, Refused, Rows, Step, reading
from loaders.objects import Listing, StoredObject, address, list_objects
from loaders.raw_tables import DATASETS, create_raw_tables
from loaders.rebuild import entries_of, rebuild
from loaders.summary import Summary
from loaders.unpacking import DEFAULT_MAX_RATIO

DEFAULT_BATCH_BYTES = 512 << 20
DEFAULT_BATCH_SECONDS = 300
LEDGER_MARK = "lakehouse.ledger"


class Progress(Protocol):
    """Hears of a run's progress."""

    def begin(self, objects: int, size: int) -> None:
        """The run is going to read this many objects, together this many bytes as stored."""

    def finished(self, stored: StoredObject) -> None:
        """An object was read, or refused."""


@dataclass(frozen=True)
class BatchSize:
    """A batch is committed when its objects reach a size, or when its first one has waited so long."""

    size: int = DEFAULT_BATCH_BYTES
    """In bytes, without compression."""
    seconds: float = DEFAULT_BATCH_SECONDS


@dataclass
class _LoadedObject:
    """An object whose rows are in the files of a batch."""

    stored: StoredObject
    size: int
    records: int
    malformed: int

    @property
    def version(self) -> Version:
        return version_of(self.stored)


def version_of(stored: StoredObject) -> Version:
    """What the ledger knows an object version by."""
    return stored.uri, stored.etag


def run(
    uri: str,
    *,
    dataset: str,
    source: str,
    batch_size: BatchSize | None = None,
    max_ratio: float = DEFAULT_MAX_RATIO,
    after: Callable[[Ledger], str] | None = None,
    progress: Progress | None = None,
) -> Summary:
    """List what is under a URI and load what is new into a raw table of the configured catalog.

    Args:
        uri: see `list_objects`.
        dataset: one of `raw_tables.DATASETS`.
        source: `firehose` or `historical`.
        batch_size: when to commit.
        max_ratio: see `unpack`.
        after: tells, from the ledger, where to begin to list, see `list_objects`; by default at the start.
        progress: hears of the progress.

    Returns:
        What was done. Errors are in it: an object that can't be loaded does not keep the others from it.
    """
    summary = Summary(dataset)
    started = time.monotonic()
    try:
        address(uri)  # a mistake in it is told before the lakehouse is started
        catalog = open_catalog()
        notes, errors = prepare(catalog)
        summary.notes += notes
        summary.errors += errors.values()
        if after:
            summary.listed_after = after(Ledger(catalog, RAW_NAMESPACE))
        listing = list_objects(uri, after=summary.listed_after)
        load(
            catalog,
            listing,
            summary,
            source=source,
            batch_size=batch_size,
            max_ratio=max_ratio,
            progress=progress,
        )
    except LoaderError as error:
        summary.errors.append(error)
    summary.seconds = time.monotonic() - started
    return summary


def prepare(catalog: Catalog, namespace: str = RAW_NAMESPACE) -> tuple[list[str], dict[str, LoaderError]]:
    """Create the raw tables and the ledger where they are missing; a new ledger is completed from raw.

    Returns:
        See `reconcile`.

    Raises:
        LoaderError: the catalog refuses.
    """
    with catalog_errors("the ledger can't be opened"):
        is_new = not catalog.table_exists((namespace, LEDGER))
    create_raw_tables(catalog, namespace)
    return reconcile(catalog, namespace) if is_new else ([], {})


def reconcile(catalog: Catalog, namespace: str = RAW_NAMESPACE) -> tuple[list[str], dict[str, LoaderError]]:
    """Write the ledger entries that interrupted runs have left out, in all raw tables that exist.

    After that no snapshot of a raw table is needed any more to know what is loaded.

    Returns:
        What people should know of it, and the raw tables (by dataset) of which it could not be done.
    """
    notes: list[str] = []
    errors: dict[str, LoaderError] = {}
    for dataset in DATASETS:
        try:
            with catalog_errors(f"the raw table {dataset} can't be opened"):
                exists = catalog.table_exists((namespace, dataset))
            if exists:
                target = Target(catalog, namespace, dataset)
                target.catch_up([])
                notes += target.notes
        except LoaderError as error:
            errors[dataset] = error
    return notes, errors


def load(
    catalog: Catalog,
    listing: Listing,
    summary: Summary,
    *,
    source: str,
    batch_size: BatchSize | None = None,
    max_ratio: float = DEFAULT_MAX_RATIO,
    progress: Progress | None = None,
    namespace: str = RAW_NAMESPACE,
    ignored: Collection[Version] = (),
    stop: threading.Event | None = None,
) -> None:
    """Load what is new of a listing; `summary` names the dataset and counts what was done.

    Args:
        catalog: where the raw tables are.
        listing: the objects.
        summary: is filled in.
        source: `firehose` or `historical`.
        batch_size: when to commit.
        max_ratio: see `unpack`.
        progress: hears of the progress.
        namespace: of the raw tables.
        ignored: versions that are not to be read.
        stop: when set, the batch that is being read is committed and the rest is left.

    Raises:
        LoaderError: the catalog or its store does not work. Batches before that are loaded.
    """
    summary.objects = len(listing.objects) + len(listing.errors)
    summary.markers = listing.markers
    summary.errors.extend(listing.errors)
    target = Target(catalog, namespace, summary.dataset, summary.notes)
    target.catch_up(listing.objects)
    new = [
        stored
        for stored in listing.objects
        if version_of(stored) not in target.loaded and version_of(stored) not in ignored
    ]
    summary.skipped = len(listing.objects) - len(new)
    summary.changed = sum(stored.uri in target.loaded_uris for stored in new)
    if progress:
        progress.begin(len(new), sum(stored.size for stored in new))
    while new:
        reader = _Reader(target, summary, source, batch_size or BatchSize(), max_ratio, progress, stop)
        reader.load(listing, new)
        # Objects of a batch that could not be committed because another run had loaded some of them.
        new = [stored for stored in reader.again if version_of(stored) not in target.loaded]
        summary.skipped += len(reader.again) - len(new)


class _Reader:
    """Reads objects into batches."""

    def __init__(
        self,
        target: Target,
        summary: Summary,
        source: str,
        batch_size: BatchSize,
        max_ratio: float,
        progress: Progress | None,
        stop: threading.Event | None,
    ) -> None:
        self.again: list[StoredObject] = []
        """Objects that were read, but neither loaded nor refused."""
        self._target = target
        self._summary = summary
        self._source = source
        self._batch_size = batch_size
        self._max_ratio = max_ratio
        self._progress = progress
        self._stop = stop
        self._files: BatchFiles | None = None
        self._objects: list[_LoadedObject] = []
        self._began = 0.0

    def load(self, listing: Listing, objects: list[StoredObject]) -> None:
        try:
            with reading(listing, objects, self._source, self._max_ratio) as steps:
                self._load(steps)
            self._commit()
        except LoaderError:
            if self._files:
                self._files.discard()
            raise

    def _load(self, steps: Iterator[Step]) -> None:
        records = malformed = 0
        for step in steps:
            if self._files is None:
                self._files, self._began = BatchFiles(self._target.raw), time.monotonic()
            if isinstance(step, Rows):
                self._files.write(step.rows)
                records += len(step.rows)
                malformed += len(step.rows) - step.rows["parse_error"].null_count
                continue
            if isinstance(step, Finished):
                self._files.end_object()
                self._objects.append(_LoadedObject(step.stored, step.size, records, malformed))
            elif isinstance(step, Refused):
                self._files.drop_object()
                self._summary.errors.append(step.error)
                self._summary.refused.add(version_of(step.stored))
            records = malformed = 0
            if self._is_full():
                self._commit()
            if self._progress:
                self._progress.finished(step.stored)
            if self._stop and self._stop.is_set():
                return

    def _is_full(self) -> bool:
        size = sum(one.size for one in self._objects)
        return size >= self._batch_size.size or time.monotonic() - self._began >= self._batch_size.seconds

    def _commit(self) -> None:
        if self._files is None:
            return
        files, objects = self._files, self._objects
        self._files, self._objects = None, []
        if self._target.commit(files, objects, self._source):
            if objects:
                self._summary.add_batch(
                    files.batch.batch_id,
                    objects=len(objects),
                    records=sum(one.records for one in objects),
                    malformed=sum(one.malformed for one in objects),
                    size=sum(one.stored.size for one in objects),
                )
        else:
            self.again += [one.stored for one in objects]


class Target:
    """A raw table with its ledger, and what is known of the object versions that are in it."""

    def __init__(
        self, catalog: Catalog, namespace: str, dataset: str, notes: list[str] | None = None
    ) -> None:
        """Open the tables, made where they are missing.

        Args:
            catalog: where they are.
            namespace: of the raw tables.
            dataset: the raw table.
            notes: takes what people should know; by default a list of its own.

        Raises:
            LoaderError: the catalog does not work, or a table is not one of the loaders.
        """
        self.notes = [] if notes is None else notes
        self.raw = open_table(catalog, namespace, dataset, RAW_SCHEMA)
        self.ledger = Ledger(catalog, namespace)
        self.loaded: set[Version] = set()
        self.loaded_uris: set[str] = set()
        self._dataset = dataset
        self._listed: dict[Version, int] = {}
        self._range: tuple[str, str] | None = None

    def catch_up(self, listed: list[StoredObject] | None = None) -> None:
        """Read which of the listed objects are loaded, after the ledger was completed if need be.

        The raw table is refreshed before the ledger is read: a batch that is committed in between then makes
        our next commit to the raw table conflict.

        Args:
            listed: in the order of their addresses; by default those of the last time.

        Raises:
            LoaderError: the catalog or its store does not work.
        """
        if listed is not None:
            self._listed = {version_of(stored): stored.size for stored in listed}
            self._range = (listed[0].uri, listed[-1].uri) if listed else None
        with catalog_errors(f"the raw table {self._dataset} can't be read"):
            self.raw.refresh()
            batch = latest_batch(self.raw) or _latest_batch_of_rows(self.raw)
        self.ledger.refresh()
        if batch and self._has_lost_entries():
            self._rebuild_ledger(batch)
        elif batch and not self.ledger.holds(batch):
            self.ledger.record(batch, entries_of(self.raw, self._dataset, rows_of(batch), self._listed))
        self.loaded = self.ledger.loaded(self._dataset, *self._range) if self._range else set()
        self.loaded_uris = {uri for uri, _ in self.loaded}

    def commit(self, files: BatchFiles, objects: list[_LoadedObject], source: str) -> bool:
        """Commit the objects of a batch, unless another run has loaded one of them meanwhile.

        Args:
            files: hold the rows of the objects; afterwards they are committed, or removed.
            objects: the objects.
            source: `firehose` or `historical`.

        Returns:
            Whether they are loaded now; otherwise nothing was committed.

        Raises:
            LoaderError: the catalog or its store does not work.
        """
        batch = files.batch
        data_files = files.close()
        if not objects:
            files.discard()
            return True
        entries = ledger_rows(self._entry(one, batch, source) for one in objects)
        while not any(one.version in self.loaded for one in objects):
            try:
                if data_files:
                    mark = self.ledger.mark()
                    append_files(self.raw, data_files, batch, {LEDGER_MARK: mark} if mark else None)
                # Without rows nothing but the ledger can tell whether another run was faster.
                self.ledger.record(batch, entries, if_unchanged=not data_files)
            except ConflictError:
                self.catch_up()
                continue
            self.loaded.update(one.version for one in objects)
            return True
        with catalog_errors(f"the raw table {self._dataset} can't be read"):
            is_loaded = bool(data_files) and holds_batch(self.raw, batch)
        if not is_loaded:
            files.discard()
        return is_loaded

    def _entry(self, one: _LoadedObject, batch: Batch, source: str) -> LedgerEntry:
        return LedgerEntry(
            batch_id=batch.batch_id,
            dataset=self._dataset,
            source=source,
            source_uri=one.stored.uri,
            source_etag=one.stored.etag,
            source_modified_at=one.stored.modified_at,
            source_size_bytes=one.stored.size,
            record_count=one.records,
            malformed_count=one.malformed,
            loaded_at=batch.loaded_at,
        )

    def _has_lost_entries(self) -> bool:
        """Whether the ledger must be compared with all rows: it lacks entries, or it can't be told."""
        has_lost = self.ledger.has_lost_entries(notes_of_latest_batch(self.raw).get(LEDGER_MARK))
        if has_lost is not None:
            return has_lost
        # Loaded before batches noted it, or others have expired the snapshots that did.
        snapshot = self.raw.current_snapshot()
        rows = row_count(snapshot) if snapshot else 0
        return rows is None or self.ledger.record_count(self._dataset) < rows

    def _rebuild_ledger(self, latest: Batch) -> None:
        found = rebuild(self.raw, self.ledger, self._dataset, self._listed)
        # The latest one alone is what a run leaves out that was killed.
        if found.missing["batch_id"].unique().to_pylist() not in ([], [latest.batch_id]):
            self.notes.append(
                f"the ledger had lost {found} of raw.{self._dataset}: written again from the raw rows; "
                f"objects without records are not in them and are read again"
            )


def _latest_batch_of_rows(raw: Table) -> Batch | None:
    """The batch with the latest rows, for a table whose snapshots were expired by other means than ours."""
    field = raw.schema().find_field("loaded_at")
    latest = [
        from_bytes(field.field_type, bounds[field.field_id])
        for task in raw.scan().plan_files()
        if (bounds := task.file.upper_bounds) and field.field_id in bounds
    ]
    if not latest:
        return None
    loaded_at = datetime(1970, 1, 1) + timedelta(microseconds=max(latest))
    of_that_time = EqualTo("loaded_at", loaded_at.isoformat())
    # A file's bound may say more or less of the time than its rows do.
    for condition in (of_that_time, around(loaded_at)):
        rows = raw.scan(row_filter=condition, selected_fields=("batch_id",), limit=1).to_arrow()
        if len(rows):
            return Batch(rows["batch_id"][0].as_py(), loaded_at)
    return None
