"""One commit that puts data files in the place of others with the same rows, and merges the manifests."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable

from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestFile,
    ManifestWriter,
    ManifestWriterV2,
)
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _OverwriteFiles

from loaders.commit import commit, notes_of_latest_batch

ENTRIES_PER_MANIFEST = 5000


def commit_rewrite(
    table: Table, removed: Iterable[DataFile], added: Iterable[DataFile], dropped_deletes: Iterable[DataFile]
) -> None:
    """Commit a rewrite on the state of the table that `table` knows.

    The snapshot keeps the notes of the latest batch: they outlive the snapshots that are expired.

    Args:
        table: format version 2, unpartitioned or with any spec; afterwards its new state.
        removed: live data files whose rows are in `added`.
        added: files of the table's current spec.
        dropped_deletes: delete files that concern no data file any more.

    Raises:
        ConflictError: another writer was faster; `table` is refreshed and nothing was committed.
        Others as `commit` does.
    """
    removed, added, dropped = list(removed), list(added), set(dropped_deletes)
    notes = notes_of_latest_batch(table)

    def rewrite(copy: Table) -> None:
        with copy.transaction() as transaction:
            update = _Rewrite(transaction, dropped, notes)
            for data_file in removed:
                update.delete_data_file(data_file)
            for data_file in added:
                update.append_data_file(data_file)
            update.commit()

    def has_landed() -> bool:
        files = {task.file for task in table.scan().plan_files()} if added else set()
        return bool(added) and files.issuperset(added)

    commit(table, rewrite, has_landed)


class _DeleteManifestWriter(ManifestWriterV2):
    """A manifest of delete files; pyiceberg itself only writes those of data files."""

    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return {**super()._meta, "content": "deletes"}


class _Rewrite(_OverwriteFiles):
    """What Iceberg calls a `replace` snapshot: other files, the same rows."""

    def __init__(
        self, transaction: Transaction, dropped_deletes: set[DataFile], notes: dict[str, str]
    ) -> None:
        # pyiceberg sums up only operations that change rows; _summary corrects it.
        super().__init__(
            operation=Operation.OVERWRITE,
            transaction=transaction,
            io=transaction._table.io,
            commit_uuid=uuid.uuid4(),
            snapshot_properties=notes,
        )
        self._dropped_deletes = dropped_deletes

    def _existing_manifests(self) -> list[ManifestFile]:
        """The files that stay, in few manifests; each entry keeps its snapshot and sequence numbers."""
        stay: dict[tuple[ManifestContent, int], list[ManifestEntry]] = defaultdict(list)
        gone = self._deleted_data_files | self._dropped_deletes
        for manifest in live_manifests(self._transaction._table):
            for entry in manifest.fetch_manifest_entry(self._io, discard_deleted=True):
                if entry.data_file not in gone:
                    stay[manifest.content, manifest.partition_spec_id].append(entry)
        return [
            self._write(content, spec_id, entries[start : start + ENTRIES_PER_MANIFEST])
            for (content, spec_id), all_entries in stay.items()
            # Neighbours in a manifest should be of one partition, so that readers can leave it out.
            for entries in [sorted(all_entries, key=lambda entry: repr(entry.data_file.partition))]
            for start in range(0, len(entries), ENTRIES_PER_MANIFEST)
        ]

    def _write(self, content: ManifestContent, spec_id: int, entries: list[ManifestEntry]) -> ManifestFile:
        with self._manifest_writer(content, spec_id) as writer:
            for entry in entries:
                writer.existing(entry)
        return writer.to_manifest_file()

    def _manifest_writer(self, content: ManifestContent, spec_id: int) -> ManifestWriter:
        if content == ManifestContent.DATA:
            return self.new_manifest_writer(self.spec(spec_id))
        return _DeleteManifestWriter(
            spec=self.spec(spec_id),
            schema=self.schema(),
            output_file=self.new_manifest_output(),
            snapshot_id=self._snapshot_id,
            avro_compression=self._compression,
        )

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        removed = self._deleted_data_files
        self._deleted_data_files = removed | self._dropped_deletes
        try:
            summary = super()._summary(snapshot_properties or {})
        finally:
            self._deleted_data_files = removed
        return summary.model_copy(update={"operation": Operation.REPLACE})


def live_manifests(table: Table) -> list[ManifestFile]:
    """The manifests of the current snapshot that list files of it."""
    snapshot = table.current_snapshot()
    manifests = snapshot.manifests(table.io) if snapshot else []
    return [manifest for manifest in manifests if manifest.has_added_files() or manifest.has_existing_files()]


def delete_files(table: Table) -> set[DataFile]:
    """The delete files of the current snapshot."""
    return {
        entry.data_file
        for manifest in live_manifests(table)
        if manifest.content == ManifestContent.DELETES
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if entry.data_file.content != DataFileContent.DATA
    }
