"""Commit to an Iceberg table: at most once, on the state that was read; the table tells the outcome."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    BadRequestError,
    CommitFailedException,
    ForbiddenError,
    NoSuchTableError,
    UnauthorizedError,
    ValidationException,
)
from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, LessThanOrEqual
from pyiceberg.manifest import DataFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.snapshots import Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, TableRequirement, TableUpdate

from loaders.catalog import CATALOG_ERRORS, catalog_errors
from loaders.errors import LoaderError, one_line

_OUR_NOTES = "lakehouse."
BATCH_ID = f"{_OUR_NOTES}batch-id"
LOADED_AT = f"{_OUR_NOTES}loaded-at"

_MILLISECOND = timedelta(milliseconds=1)
_WAITS_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)
# Whatever else a catalog answers may be over soon.
_HOPELESS = (BadRequestError, UnauthorizedError, ForbiddenError, AuthorizationExpiredError, NoSuchTableError)
# https://docs.aws.amazon.com/glue/latest/webapi/CommonErrors.html
_HOPELESS_IN_GLUE = {
    "AccessDeniedException",
    "EntityNotFoundException",
    "ExpiredTokenException",
    "InvalidInputException",
    "UnrecognizedClientException",
}


@dataclass(frozen=True)
class Batch:
    """What is committed together."""

    batch_id: str
    loaded_at: datetime
    """UTC, without zone, in whole milliseconds: Athena keeps no more when it rewrites files. (Batches of
    older loaders have microseconds, or have lost them.)"""


def new_batch(prefix: str = "") -> Batch:
    """A batch of now, with an id that no other has."""
    now = datetime.now(UTC).replace(tzinfo=None)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Batch(f"{prefix}{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}", now)


class ConflictError(Exception):
    """Another writer has committed to the table since it was read; what was to be committed is not in it."""


def commit(table: Table, change: Callable[[Table], object], has_landed: Callable[[], bool]) -> None:
    """Commit one change to a table as its state was read, in several tries if need be.

    A catalog may have committed what it answers with an error or not at all, and then refuse the repeated
    request as a conflict with itself. So the table is asked for the outcome, whatever went wrong. No file is
    removed: what was written for a commit that failed is left to the cleaning of orphans.

    Args:
        table: the table as its state was read; afterwards its new state.
        change: makes the change on the table that it is given, in one commit.
        has_landed: whether the change is in the refreshed `table`, where its snapshot is not any more.

    Raises:
        ConflictError: another writer has committed; `table` is refreshed, the change can't come into it.
        LoaderError: the outcome can't be told; the files of the change must stay.
        Errors of the catalog that trying again does not mend; the change is not in the table.
    """
    known = _head(table)
    catalog = _OneTry(table.catalog)
    failure: Exception | None = None
    for wait in _WAITS_SECONDS:
        copy = Table(table.name(), table.metadata, table.metadata_location, table.io, catalog, table.config)
        try:
            change(copy)
            table.metadata, table.metadata_location = copy.metadata, copy.metadata_location
            return
        except Exception as error:
            failure = error
            logging.getLogger(__name__).debug("commit to %s: %s", ".".join(table.name()), error)
        try:
            table.refresh()
            if any(table.snapshot_by_id(one) for one in catalog.snapshot_ids) or has_landed():
                return
        except CATALOG_ERRORS as error:
            logging.getLogger(__name__).debug("%s can't be asked: %s", ".".join(table.name()), error)
        else:
            if _is_hopeless(failure):
                raise failure
            if _head(table) != known:
                raise ConflictError(".".join(table.name())) from failure
        time.sleep(wait)
    raise LoaderError(
        f"{'.'.join(table.name())} does not take a commit, run again later "
        f"({one_line(failure) if failure else 'no reason'})"
    ) from failure


def append_files(
    table: Table, files: Iterable[DataFile], batch: Batch, notes: Mapping[str, str] | None = None
) -> None:
    """Append the files of a batch in one commit, if the table is still as `table` knows it.

    Args:
        table: the table as its state was read; afterwards its new state.
        files: data files that are stored already.
        batch: noted in the snapshot.
        notes: more properties of the snapshot.

    Raises:
        ConflictError: another writer has committed; `table` is refreshed and nothing was appended.
        LoaderError: the catalog or the store does not work; the files must stay.
    """
    files = list(files)
    properties = {BATCH_ID: batch.batch_id, LOADED_AT: batch.loaded_at.isoformat(), **(notes or {})}

    def append(copy: Table) -> None:
        with copy.transaction() as transaction:
            update = transaction.update_snapshot(snapshot_properties=properties)
            # Each load adds a manifest; merging keeps the planning of reads short.
            with update.merge_append() as appending:
                for data_file in files:
                    appending.append_data_file(data_file)

    name = ".".join(table.name())
    with catalog_errors(f"batch {batch.batch_id} can't be committed to {name}"):
        commit(table, append, lambda: holds_batch(table, batch))


def latest_batch(table: Table) -> Batch | None:
    """The batch that was committed last; None when none of the snapshots that are left names one."""
    return next(_batches(table), None)


def notes_of_latest_batch(table: Table) -> dict[str, str]:
    """What the snapshot of the latest batch says of it; empty when no snapshot that is left names a batch."""
    summary = next(_summaries_of_batches(table), None)
    notes = summary.additional_properties if summary else {}
    return {name: value for name, value in notes.items() if name.startswith(_OUR_NOTES)}


def holds_batch(table: Table, batch: Batch) -> bool:
    """Whether a batch is in the table, as its snapshots tell, or its rows of that time."""
    if any(one.batch_id == batch.batch_id for one in _batches(table)):
        return True
    rows = table.scan(row_filter=rows_of(batch), selected_fields=("batch_id",), limit=1)
    return len(rows.to_arrow()) > 0


def rows_of(batch: Batch) -> BooleanExpression:
    """Which rows of a raw table or the ledger are a batch's.

    The id tells. The time, by which most files are left out, is in some rows that of the batch to the
    millisecond only.
    """
    return And(around(batch.loaded_at), EqualTo("batch_id", batch.batch_id))


def around(loaded_at: datetime) -> BooleanExpression:
    """Rows of a load time, be it in microseconds or in milliseconds, here or there."""
    first, last = loaded_at - _MILLISECOND, loaded_at + _MILLISECOND
    return And(
        GreaterThanOrEqual("loaded_at", first.isoformat()), LessThanOrEqual("loaded_at", last.isoformat())
    )


def row_count(snapshot: Snapshot) -> int | None:
    """How many rows a snapshot has; None when its summary does not tell."""
    summary = snapshot.summary
    total = summary["total-records"] if summary else None
    deleted = (summary["total-position-deletes"] if summary else None) or "0"
    return int(total) - int(deleted) if total else None


class _RefusedError(Exception):
    """The catalog says that it has not committed."""


class _OneTry:
    """Stands in for a table's catalog while it commits, so that pyiceberg neither repeats nor cleans up.

    pyiceberg removes what it has written for a commit when the catalog answers that it has not landed, and
    commits again on top of a state that nobody has looked at. Both may be wrong: see `commit`.
    """

    def __init__(self, catalog: Any) -> None:
        self.snapshot_ids: set[int] = set()
        """Snapshots that the catalog was asked to add."""
        self._catalog = catalog

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)

    def commit_table(
        self, table: Table, requirements: tuple[TableRequirement, ...], updates: tuple[TableUpdate, ...]
    ) -> CommitTableResponse:
        for update in updates:
            if isinstance(update, AddSnapshotUpdate):
                self.snapshot_ids.add(update.snapshot.snapshot_id)
        try:
            return self._catalog.commit_table(table, requirements, updates)
        except (CommitFailedException, ValidationException) as error:
            raise _RefusedError(one_line(error)) from error


def _is_hopeless(failure: Exception) -> bool:
    if isinstance(failure, ClientError):
        return failure.response.get("Error", {}).get("Code") in _HOPELESS_IN_GLUE
    return isinstance(failure, _HOPELESS) or not isinstance(failure, (_RefusedError, *CATALOG_ERRORS))


def _batches(table: Table) -> Iterator[Batch]:
    for summary in _summaries_of_batches(table):
        yield Batch(summary[BATCH_ID] or "", datetime.fromisoformat(summary[LOADED_AT] or ""))


def _summaries_of_batches(table: Table) -> Iterator[Summary]:
    """From the current snapshot to its ancestors, as far as they are kept."""
    snapshots: dict[int, Snapshot] = {one.snapshot_id: one for one in table.snapshots()}
    snapshot = table.current_snapshot()
    while snapshot:
        if snapshot.summary and snapshot.summary[BATCH_ID]:
            yield snapshot.summary
        snapshot = snapshots.get(snapshot.parent_snapshot_id or -1)


def _head(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None
