"""Append to an Iceberg table in one commit that lands at most once, and only on the state that was read."""

from __future__ import annotations

import logging
import time

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from pyiceberg.table import Table, TableProperties
from requests.exceptions import RequestException

from loaders.catalog import catalog_errors
from loaders.errors import LoaderError

BATCH_ID = "lakehouse.batch-id"
LOADED_AT = "lakehouse.loaded-at"

_WAITS_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)


class ConflictError(Exception):
    """Another writer has committed to the table since it was read."""


def batches_of(table: Table) -> dict[str, str]:
    """The batches that the snapshots of a table name: batch id to `loaded_at` in ISO format."""
    summaries = [snapshot.summary for snapshot in table.metadata.snapshots if snapshot.summary]
    return {summary[BATCH_ID]: summary[LOADED_AT] for summary in summaries if summary[BATCH_ID]}


def append_batch(table: Table, rows: pa.Table, batch_id: str, loaded_at: str) -> None:
    """Append the rows of a batch in one commit, if the table is still as `table` knows it.

    When the outcome of a commit is unknown, the snapshots of the table tell whether it has landed.

    Args:
        table: the table as its state was read; afterwards its new state.
        rows: the rows.
        batch_id: noted in the snapshot.
        loaded_at: noted in the snapshot, ISO format.

    Raises:
        ConflictError: another writer has committed; `table` is refreshed and nothing was appended.
        LoaderError: the catalog or the store does not work.
    """
    name = ".".join(table.name())
    known = _head(table)
    with catalog_errors(f"batch {batch_id} can't be committed to {name}"):
        for wait in _WAITS_SECONDS:
            try:
                properties = {BATCH_ID: batch_id, LOADED_AT: loaded_at}
                without_retries(table).append(rows, snapshot_properties=properties)
                return
            except (CommitFailedException, CommitStateUnknownException, RequestException) as error:
                logging.getLogger(__name__).debug("commit of %s to %s: %s", batch_id, name, error)
            table.refresh()
            if batch_id in batches_of(table):
                return
            if _head(table) != known:
                raise ConflictError(name)
            time.sleep(wait)
    raise LoaderError(
        f"batch {batch_id} can't be committed to {name}: the catalog refuses it, run again later"
    )


def without_retries(table: Table) -> Table:
    """Make commits through this object fail when another writer was faster, instead of trying again.

    pyiceberg's own retries would commit on top of a state that nobody has looked at. They can only be turned
    off by a property of the table, here of this copy of its metadata; the table itself keeps its setting.
    """
    properties = {**table.metadata.properties, TableProperties.COMMIT_NUM_RETRIES: "0"}
    table.metadata = table.metadata.model_copy(update={"properties": properties})
    return table


def _head(table: Table) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None
