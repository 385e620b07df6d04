"""Append files to an Iceberg table: one commit, at most once, and only on the state that was read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    BadRequestError,
    CommitFailedException,
    ForbiddenError,
    RESTError,
    UnauthorizedError,
)
from pyiceberg.expressions import And, EqualTo
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table, TableProperties
from pyiceberg.table.snapshots import Snapshot
from requests.exceptions import RequestException

from loaders.catalog import catalog_errors
from loaders.errors import LoaderError, one_line

BATCH_ID = "lakehouse.batch-id"
LOADED_AT = "lakehouse.loaded-at"

_WAITS_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)
# Whatever else a catalog answers may be over soon, and may have come after the commit.
_HOPELESS = (BadRequestError, UnauthorizedError, ForbiddenError, AuthorizationExpiredError)


@dataclass(frozen=True)
class Batch:
    """What is committed together."""

    batch_id: str
    loaded_at: datetime
    """UTC, without zone."""


class ConflictError(Exception):
    """Another writer has committed to the table since it was read."""


def append_files(table: Table, files: Iterable[DataFile], batch: Batch) -> None:
    """Append the files of a batch in one commit, if the table is still as `table` knows it.

    When the outcome of a commit is unknown, the table itself tells whether it has landed.

    Args:
        table: the table as its state was read; afterwards its new state.
        files: data files that are stored already.
        batch: noted in the snapshot.

    Raises:
        ConflictError: another writer has committed; `table` is refreshed and nothing was appended.
        LoaderError: the catalog or the store does not work.
    """
    name = ".".join(table.name())
    known = _head(table)
    files = list(files)
    failure: Exception | None = None
    with catalog_errors(f"batch {batch.batch_id} can't be committed to {name}"):
        for wait in _WAITS_SECONDS:
            try:
                if failure:
                    table.refresh()
                    if _head(table) != known:
                        if holds_batch(table, batch):
                            return
                        raise ConflictError(name)
                _append_once(table, files, batch)
                return
            except _HOPELESS:
                raise
            except (CommitFailedException, RESTError, RequestException) as error:
                failure = error
                logging.getLogger(__name__).debug("commit of %s to %s: %s", batch.batch_id, name, error)
            time.sleep(wait)
    raise LoaderError(
        f"batch {batch.batch_id} can't be committed to {name}: the catalog refuses it, run again later "
        f"({one_line(failure) if failure else 'no reason'})"
    )


def latest_batch(table: Table) -> Batch | None:
    """The batch that was committed last; None when none of the snapshots that are left names one."""
    return _latest(table, lambda batch_id: True)


def holds_batch(table: Table, batch: Batch) -> bool:
    """Whether a batch is in the table, as its snapshots tell, or its rows of that time."""
    if _latest(table, lambda batch_id: batch_id == batch.batch_id):
        return True
    filters = And(EqualTo("loaded_at", batch.loaded_at.isoformat()), EqualTo("batch_id", batch.batch_id))
    return len(table.scan(row_filter=filters, selected_fields=("batch_id",), limit=1).to_arrow()) > 0


def without_retries(table: Table) -> Table:
    """Make commits through this object fail when another writer was faster, instead of trying again.

    pyiceberg's own retries would commit on top of a state that nobody has looked at. They can only be turned
    off by a property of the table, here of this copy of its metadata; the table itself keeps its setting.
    """
    properties = {**table.metadata.properties, TableProperties.COMMIT_NUM_RETRIES: "0"}
    table.metadata = table.metadata.model_copy(update={"properties": properties})
    return table


def _append_once(table: Table, files: list[DataFile], batch: Batch) -> None:
    properties = {BATCH_ID: batch.batch_id, LOADED_AT: batch.loaded_at.isoformat()}
    with without_retries(table).transaction() as transaction:
        update = transaction.update_snapshot(snapshot_properties=properties)
        # Each load adds a manifest; merging keeps the planning of reads short.
        with update.merge_append() as append:
            for data_file in files:
                append.append_data_file(data_file)


def _latest(table: Table, matches: Callable[[str], bool]) -> Batch | None:
    """Walk from the current snapshot to its ancestors, as far as they are kept."""
    snapshots: dict[int, Snapshot] = {one.snapshot_id: one for one in table.snapshots()}
    snapshot = table.current_snapshot()
    while snapshot:
        summary = snapshot.summary
        batch_id = summary[BATCH_ID] if summary else None
        if summary and batch_id and matches(batch_id):
            return Batch(batch_id, datetime.fromisoformat(summary[LOADED_AT]))
        snapshot = snapshots.get(snapshot.parent_snapshot_id or -1)
    return None


def _head(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None
