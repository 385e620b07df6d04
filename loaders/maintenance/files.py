"""Which files a table needs, which are stored at its location, and how to remove those that it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from pyarrow.fs import FileSelector, FileType
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from loaders.errors import LoaderError

TABLE_FOLDERS = ("data", "metadata")
"""Where engines put a table's files, below its location. Whatever else lies there is somebody's own."""
_DELETES_AT_ONCE = 8


@dataclass(frozen=True)
class StoredFile:
    """A file at a table's location."""

    location: str
    size: int
    modified_at: datetime
    """With zone."""


class FilesOfSnapshots:
    """The files that snapshots of one table consist of; reads each manifest once."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._by_manifest: dict[str, set[str]] = {}

    def of(self, snapshots: Iterable[Snapshot]) -> set[str]:
        """Manifest lists, manifests, data and delete files."""
        files: set[str] = set()
        for snapshot in snapshots:
            files.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(self._table.io):
                files.add(manifest.manifest_path)
                files |= self._entries(manifest)
        return files

    def _entries(self, manifest: ManifestFile) -> set[str]:
        known = self._by_manifest.get(manifest.manifest_path)
        if known is None:
            entries = manifest.fetch_manifest_entry(self._table.io, discard_deleted=True)
            known = {entry.data_file.file_path for entry in entries}
            self._by_manifest[manifest.manifest_path] = known
        return known


def metadata_files(table: Table) -> set[str]:
    """The metadata and statistics files that the table's metadata names."""
    metadata = table.metadata
    return {
        table.metadata_location,
        *(entry.metadata_file for entry in metadata.metadata_log),
        *(statistics.statistics_path for statistics in metadata.statistics),
        *(statistics.statistics_path for statistics in metadata.partition_statistics),
    }


def stored_files(table: Table) -> Iterator[StoredFile]:
    """List what is stored in a table's own folders, below its location.

    Raises:
        LoaderError: pyiceberg reaches the files other than through pyarrow, which lists them.
    """
    if not isinstance(table.io, PyArrowFileIO):
        raise LoaderError(
            f"{'.'.join(table.name())}: its files can only be listed through pyarrow's file systems"
        )
    for folder in TABLE_FOLDERS:
        location = f"{table.location().rstrip('/')}/{folder}"
        scheme, netloc, path = PyArrowFileIO.parse_location(location)
        filesystem = table.io.fs_by_scheme(scheme, netloc)
        selector = FileSelector(path, recursive=True, allow_not_found=True)
        for info in filesystem.get_file_info(selector):
            if info.type == FileType.File:
                yield StoredFile(location + info.path[len(path) :], info.size, info.mtime)


def remove(table: Table, locations: Iterable[str]) -> None:
    """Remove files; one that is gone already is fine."""

    def remove_one(location: str) -> None:
        with suppress(FileNotFoundError):
            table.io.delete(location)

    with ThreadPoolExecutor(_DELETES_AT_ONCE) as pool:
        list(pool.map(remove_one, locations))


def same_file(location: str) -> str:
    """A location without its scheme: writers say s3://, s3a:// or s3n:// for one store."""
    parts = urlsplit(location)
    return f"{parts.netloc}{parts.path}"
