"""Find and read the objects to load: local files, or objects of an S3 bucket."""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as S3ConnectionError
from urllib3.exceptions import HTTPError

from loaders.errors import LoaderError

# How S3 is asked again, where the AWS configuration does not say: with back-off, a minute at the most in all.
_RETRY_MODE, _MAX_ATTEMPTS = "standard", 8
# What botocore does not do: to read on where the content of an object broke off.
_READ_WAITS_SECONDS = (0.1, 0.5, 2.0, 5.0)

# What jobs leave beside their data (Hadoop, Spark, Databricks, Delta), and hidden files and directories.
_MARKER_NAME = re.compile(
    r"(?:^|/)(?P<name>\.[^/]*|_SUCCESS|_(?:started|committed)_\d+|_temporary|_spark_metadata|_delta_log"
    r"|_metadata|_common_metadata)(?=/|$)"
)
_MARKER_ENDINGS = ("_$folder$", ".crc", "/")
_NO_KEYS = (
    "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
    '(for the local store: eval "$(python -m loaders lakehouse env)")'
)
_S3_ADVICE = {
    "NoSuchBucket": "there is no such bucket: check its name and AWS_ENDPOINT_URL_S3",
    "NoSuchKey": "it is gone since it was listed: run again",
    "PreconditionFailed": "it changed since it was listed: run again",
    "AccessDenied": "access is denied: the credentials need s3:ListBucket and s3:GetObject",
    "InvalidObjectState": "it is archived in Glacier: restore it first",
    "InvalidAccessKeyId": "the access key is unknown there: check the credentials and AWS_ENDPOINT_URL_S3",
    "SignatureDoesNotMatch": "the secret key is wrong: check the credentials",
    "ExpiredToken": "the credentials have expired: sign in again",
}


@dataclass(frozen=True)
class StoredObject:
    """One version of an object."""

    uri: str
    """`file:///…` or `s3://bucket/key`."""
    etag: str
    """The version: S3's ETag, for a local file the SHA-256 of its bytes in hexadecimal."""
    size: int
    """In bytes, as stored."""
    modified_at: datetime
    """UTC, without zone."""


@dataclass
class Listing:
    """The objects under a URI, in the order of their URIs."""

    objects: list[StoredObject]
    open: Callable[[StoredObject], BinaryIO]
    """Opens one of the objects; its reads raise LoaderError when they can't, or when it has changed."""
    errors: list[LoaderError] = field(default_factory=list)
    """Objects that are there but unreadable."""
    markers: int = 0
    """Objects that were left out, see `is_marker`; a local directory counts once."""


class NoObjectsError(LoaderError):
    """There is nothing under a URI."""


def list_objects(uri: str, *, after: str = "") -> Listing:
    """List what is under a URI.

    Markers are left out, see `is_marker`; a file that is named itself is always taken. Local files are read
    for their SHA-256.

    Args:
        uri: a local file or directory (all files below it), as path or `file://`; or `s3://bucket/prefix`,
            where the prefix is one of keys, not of directories.
        after: only objects whose address goes on, after the URI's, with something greater than this.

    Raises:
        NoObjectsError: it holds no object, although `after` is empty.
        LoaderError: it does not exist, or can't be listed.
    """
    scheme = _scheme(uri)
    listing = _list_s3(uri, after) if scheme == "s3" else _list_local(_local_path(uri, scheme), after)
    if not listing.objects and not listing.errors and not after:
        but = f" but {listing.markers:,} without data, such as _SUCCESS" if listing.markers else ""
        raise NoObjectsError(f"{uri} holds no objects{but}: check the path")
    return listing


def is_marker(name: str, size: int, start: int = 0) -> bool:
    """Whether an object is there for a job or for the shape of a tree, not for its data.

    That is what has no bytes, a directory's name (`/` or `_$folder$` behind), a checksum (`.crc`), what is
    hidden (`.` in front), and by their full names the files and directories that Hadoop, Spark, Databricks
    and Delta Lake keep beside the data (`_SUCCESS`, `_temporary/` …).

    Args:
        name: its key, or path with `/`.
        size: in bytes.
        start: where in the name to begin to look for names of markers.
    """
    if not size or name.endswith(_MARKER_ENDINGS):
        return True
    return any(match.start("name") >= start for match in _MARKER_NAME.finditer(name))


def address(uri: str) -> str:
    """What the addresses of the objects under a URI start with.

    Raises:
        LoaderError: nothing of that kind can be read, or there is no such file or directory.
    """
    scheme = _scheme(uri)
    if scheme == "s3":
        return uri
    path = _local_path(uri, scheme)
    _check_exists(path)
    return f"{path.as_uri()}/" if path.is_dir() else path.as_uri()


def relative_name(uri: str, prefix: str) -> str:
    """How an object's name goes on after an `address`."""
    name = uri[len(prefix) :]
    return name if uri.startswith("s3:") else unquote(name)


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise LoaderError(f"{path} does not exist: check the path")


def _scheme(uri: str) -> str:
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    if scheme not in ("s3", "file", ""):
        raise LoaderError(f"{uri}: '{scheme}://' can't be read, only local paths, file:// and s3:// can")
    return scheme


def _local_path(uri: str, scheme: str) -> Path:
    path = unquote(urlsplit(uri).path) if scheme else uri
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow symbolic links


# Local files


def _list_local(root: Path, after: str) -> Listing:
    _check_exists(root)
    listing = Listing([], _LocalFile)
    for path in sorted(_walk(root, listing)) if root.is_dir() else [root]:
        if after and path.relative_to(root).as_posix() <= after:
            continue
        try:
            if path != root and is_marker(path.name, path.stat().st_size):
                listing.markers += 1
            else:
                listing.objects.append(_local_object(path))
        except OSError as error:
            listing.errors.append(_local_error(path, error))
    return listing


def _walk(root: Path, listing: Listing) -> Iterator[Path]:
    def note(error: OSError) -> None:
        listing.errors.append(_local_error(Path(error.filename), error))

    for directory, names, files in os.walk(root, onerror=note):
        shown = [name for name in names if not _MARKER_NAME.search(name)]
        listing.markers += len(names) - len(shown)
        names[:] = shown
        yield from (path for name in files if (path := Path(directory, name)).is_file())


def _local_object(path: Path) -> StoredObject:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    modified_at = datetime(1970, 1, 1) + timedelta(microseconds=status.st_mtime_ns // 1000)
    return StoredObject(path.as_uri(), digest, status.st_size, modified_at)


class _LocalFile(io.RawIOBase):
    """Reads a file; its end is only reached when the bytes were those that were listed."""

    def __init__(self, stored: StoredObject) -> None:
        self._stored = stored
        self._path = Path(unquote(urlsplit(stored.uri).path))
        self._digest = hashlib.sha256()
        try:
            self._file = self._path.open("rb", buffering=0)
        except OSError as error:
            raise _local_error(self._path, error) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            count = self._file.readinto(buffer) or 0
        except OSError as error:
            raise _local_error(self._path, error) from error
        self._digest.update(memoryview(buffer)[:count])
        if not count and self._digest.hexdigest() != self._stored.etag:
            raise LoaderError(f"{self._stored.uri} changed since it was listed: run again")
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _local_error(path: Path, error: OSError) -> LoaderError:
    return LoaderError(f"{path} can't be read ({error.strerror}): check its permissions")


# S3


def _list_s3(uri: str, after: str) -> Listing:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not bucket:
        raise LoaderError(f"{uri} names no bucket: write s3://bucket/prefix")
    listing = Listing([], lambda stored: _S3Object(client, stored))
    try:
        client = _s3_client()
        options = {"StartAfter": prefix + after} if after else {}
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **options)
        for page in pages:
            for entry in page.get("Contents", ()):
                key, size = entry["Key"], entry["Size"]
                if is_marker(key, size, len(prefix)):
                    listing.markers += 1
                    continue
                modified_at = entry["LastModified"].astimezone(UTC).replace(tzinfo=None)
                etag = entry["ETag"].strip('"')
                listing.objects.append(StoredObject(f"s3://{bucket}/{key}", etag, size, modified_at))
    except (BotoCoreError, ClientError, ValueError) as error:
        raise _s3_error(uri, error) from error
    return listing


def _s3_client() -> Any:
    core = botocore.session.Session()
    retries: dict[str, Any] = {}
    if core.get_config_variable("retry_mode") is None:
        retries["mode"] = _RETRY_MODE
    if core.get_config_variable("max_attempts") is None:
        retries["total_max_attempts"] = _MAX_ATTEMPTS
    return boto3.Session(botocore_session=core).client("s3", config=Config(retries=retries or None))


class _S3Object(io.RawIOBase):
    """Reads one version of an object, and goes on where a connection broke off."""

    def __init__(self, client: Any, stored: StoredObject) -> None:
        self._client = client
        self._stored = stored
        self._position = 0
        self._body: Any = None
        if stored.size:
            self._open()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        waits = iter(_READ_WAITS_SECONDS)
        while self._position < self._stored.size:
            try:
                content = self._body.read(len(buffer))
                if content:
                    buffer[: len(content)] = content
                    self._position += len(content)
                    return len(content)
                error: Exception = EOFError(f"only {self._position:,} of {self._stored.size:,} bytes came")
            except (BotoCoreError, HTTPError, OSError) as broken:
                error = broken
            wait = next(waits, None)
            if wait is None:
                raise _s3_error(self._stored.uri, error) from error
            time.sleep(wait)
            self._open()
        return 0

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        super().close()

    def _open(self) -> None:
        bucket, _, key = self._stored.uri.removeprefix("s3://").partition("/")
        options = {"Range": f"bytes={self._position}-"} if self._position else {}
        try:
            answer = self._client.get_object(
                Bucket=bucket, Key=key, IfMatch=f'"{self._stored.etag}"', **options
            )
        except (BotoCoreError, ClientError) as error:
            raise _s3_error(self._stored.uri, error) from error
        if self._body is not None:
            self._body.close()
        self._body = answer["Body"]


def _s3_error(uri: str, error: Exception) -> LoaderError:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return LoaderError(f"{uri} can't be read: {_NO_KEYS}")
    if isinstance(error, ClientError):
        code = error.response["Error"]["Code"]
        advice = _S3_ADVICE.get(code) or f"{code}: {error.response['Error'].get('Message', 'no details')}"
        return LoaderError(f"{uri} can't be read: {advice}")
    if isinstance(error, (S3ConnectionError, HTTPClientError)):
        return LoaderError(f"{uri} can't be read: {error} Check the network and AWS_ENDPOINT_URL_S3")
    return LoaderError(f"{uri} can't be read: {error}")
