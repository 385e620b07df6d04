"""One run of a loader: from a URI to rows in a raw table and in the ledger, each object version once.

A batch is two commits: its rows, then its ledger entries. The rows' snapshot names the batch, so a run that
finds a batch without ledger entries (the other run crashed in between) writes them before it decides what is
left to do. Rows are only appended on the state of the raw table for which that was decided, so two runs at
once don't load an object twice either. This holds as long as snapshots are kept from one run to the next.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import And, EqualTo

from loaders.catalog import RAW_NAMESPACE, catalog_errors, open_catalog, open_table
from loaders.commit import ConflictError, append_batch, batches_of
from loaders.envelope import RAW_SCHEMA, batch_rows, object_rows
from loaders.errors import LoaderError
from loaders.ledger import Ledger, LedgerEntry, Version
from loaders.objects import Listing, StoredObject, list_objects
from loaders.raw_tables import DATASETS, create_raw_tables
from loaders.reading import read_records
from loaders.summary import Summary

DEFAULT_BATCH_BYTES = 256 << 20


class Progress(Protocol):
    """Hears of a run's progress."""

    def begin(self, objects: int, size: int) -> None:
        """The run is going to read this many objects, together this many bytes as stored."""

    def finished(self, stored: StoredObject) -> None:
        """An object was read, or refused."""


@dataclass(frozen=True)
class _ReadObject:
    stored: StoredObject
    rows: pa.Table
    malformed: int
    size: int
    """In bytes, without compression."""

    @property
    def version(self) -> Version:
        return self.stored.uri, self.stored.etag


def run(
    uri: str,
    *,
    dataset: str,
    source: str,
    batch_bytes: int = DEFAULT_BATCH_BYTES,
    progress: Progress | None = None,
) -> Summary:
    """List what is under a URI and load what is new into a raw table of the configured catalog.

    Args:
        uri: see `list_objects`.
        dataset: one of `raw_tables.DATASETS`.
        source: `firehose` or `historical`.
        batch_bytes: a batch is committed when its objects reach this size, without compression.
        progress: hears of the progress.

    Returns:
        What was done. Errors are in it: an object that can't be loaded does not keep the others from it.
    """
    summary = Summary(dataset)
    started = time.monotonic()
    try:
        listing = list_objects(uri)
        catalog = open_catalog()
        create_raw_tables(catalog)
        load(catalog, listing, summary, source=source, batch_bytes=batch_bytes, progress=progress)
    except LoaderError as error:
        summary.errors.append(error)
    summary.seconds = time.monotonic() - started
    return summary


def reconcile(catalog: Catalog, namespace: str = RAW_NAMESPACE) -> None:
    """Write the ledger entries that interrupted runs have left out, in all raw tables that exist.

    After that no snapshot of a raw table is needed any more to know what is loaded.

    Raises:
        LoaderError: a table can't be read, or the ledger not written.
    """
    for dataset in DATASETS:
        with catalog_errors(f"the raw table {dataset} can't be opened"):
            exists = catalog.table_exists((namespace, dataset))
        if exists:
            _Target(catalog, namespace, dataset, "", [])


def load(
    catalog: Catalog,
    listing: Listing,
    summary: Summary,
    *,
    source: str,
    batch_bytes: int = DEFAULT_BATCH_BYTES,
    progress: Progress | None = None,
    namespace: str = RAW_NAMESPACE,
) -> None:
    """Load what is new of a listing; `summary` names the dataset and counts what was done.

    Raises:
        LoaderError: the catalog or its store does not work. Batches before that are loaded.
    """
    summary.objects = len(listing.objects) + len(listing.errors)
    summary.errors.extend(listing.errors)
    target = _Target(catalog, namespace, summary.dataset, source, listing.objects)
    new = [stored for stored in listing.objects if (stored.uri, stored.etag) not in target.loaded]
    summary.skipped = len(listing.objects) - len(new)
    if progress:
        progress.begin(len(new), sum(stored.size for stored in new))

    batch: list[_ReadObject] = []
    for stored in new:
        try:
            batch.append(_read(listing, stored, source))
        except LoaderError as error:
            summary.errors.append(error)
        if sum(item.size for item in batch) >= batch_bytes:
            target.commit(batch, summary)
            batch = []
        if progress:
            progress.finished(stored)
    if batch:
        target.commit(batch, summary)


def _read(listing: Listing, stored: StoredObject, source: str) -> _ReadObject:
    if stored.size == 0:
        raise LoaderError(f"{stored.uri} is empty: remove it or upload it again")
    size, records = read_records(stored.uri, listing.read(stored))
    rows = object_rows(records, source, stored)
    return _ReadObject(stored, rows, len(rows) - rows["parse_error"].null_count, size)


class _Target:
    """A raw table with its ledger, and the object versions that are in it."""

    def __init__(
        self, catalog: Catalog, namespace: str, dataset: str, source: str, listed: list[StoredObject]
    ) -> None:
        self._dataset = dataset
        self._source = source
        self._sizes = {(stored.uri, stored.etag): stored.size for stored in listed}
        self._raw = open_table(catalog, namespace, dataset, RAW_SCHEMA)
        self._ledger = Ledger(catalog, namespace)
        self.loaded: set[Version] = set()
        self._catch_up()

    def commit(self, batch: list[_ReadObject], summary: Summary) -> None:
        """Commit the objects of a batch that no other run has loaded meanwhile.

        Raises:
            LoaderError: the catalog or its store does not work.
        """
        while left := [item for item in batch if item.version not in self.loaded]:
            loaded_at = datetime.now(UTC).replace(tzinfo=None)
            batch_id = f"{loaded_at:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
            rows = batch_rows((item.rows for item in left), batch_id, loaded_at)
            try:
                if len(rows):
                    append_batch(self._raw, rows, batch_id, loaded_at.isoformat())
            except ConflictError:
                self._catch_up()
                continue
            self._ledger.record([self._entry(item, batch_id, loaded_at) for item in left])
            self.loaded.update(item.version for item in left)
            summary.add_batch(
                batch_id,
                objects=len(left),
                records=len(rows),
                malformed=sum(item.malformed for item in left),
                size=sum(item.stored.size for item in left),
            )
            break
        summary.skipped += len(batch) - len(left)

    def _entry(self, item: _ReadObject, batch_id: str, loaded_at: datetime) -> LedgerEntry:
        return LedgerEntry(
            batch_id=batch_id,
            dataset=self._dataset,
            source=self._source,
            source_uri=item.stored.uri,
            source_etag=item.stored.etag,
            source_modified_at=item.stored.modified_at,
            source_size_bytes=item.stored.size,
            record_count=len(item.rows),
            malformed_count=item.malformed,
            loaded_at=loaded_at,
        )

    def _catch_up(self) -> None:
        """Read what is loaded, and write the ledger entries that an interrupted run has left out.

        The raw table is refreshed before the ledger is read: a batch that is committed in between then makes
        our next commit to the raw table conflict.
        """
        with catalog_errors(f"the raw table {self._dataset} can't be read"):
            self._raw.refresh()
        self.loaded, known_batches = self._ledger.loaded(self._dataset)
        missing = {batch: at for batch, at in batches_of(self._raw).items() if batch not in known_batches}
        for batch_id, loaded_at in sorted(missing.items()):
            entries = self._entries_of(batch_id, datetime.fromisoformat(loaded_at))
            if entries:
                self._ledger.record(entries)
                self.loaded.update((entry.source_uri, entry.source_etag) for entry in entries)

    def _entries_of(self, batch_id: str, loaded_at: datetime) -> list[LedgerEntry]:
        """Derive the ledger entries of a batch from its rows, and sizes of objects from the listing."""
        keys = ["source", "source_uri", "source_etag", "source_modified_at"]
        with catalog_errors(f"batch {batch_id} of the raw table {self._dataset} can't be read"):
            rows = self._raw.scan(
                row_filter=And(EqualTo("loaded_at", loaded_at.isoformat()), EqualTo("batch_id", batch_id)),
                selected_fields=(*keys, "parse_error"),
            ).to_arrow()
        counts = rows.group_by(keys).aggregate([([], "count_all"), ("parse_error", "count")])
        return [
            LedgerEntry(
                **{key: row[key] for key in keys},
                batch_id=batch_id,
                dataset=self._dataset,
                source_size_bytes=self._sizes.get((row["source_uri"], row["source_etag"])),
                record_count=row["count_all"],
                malformed_count=row["parse_error_count"],
                loaded_at=loaded_at,
            )
            for row in counts.to_pylist()
        ]
