"""Find and read the objects to load: local files, or objects of an S3 bucket."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as S3ConnectionError

from loaders.errors import LoaderError

_HIDDEN_NAME = re.compile(r"(?:^|/)(?P<name>[._])")
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


@dataclass(frozen=True)
class Listing:
    """The objects under a URI, in the order of their URIs."""

    objects: list[StoredObject]
    read: Callable[[StoredObject], bytes]
    """Returns the bytes of one of the objects; raises LoaderError when it can't, or when it has changed."""
    errors: list[LoaderError] = field(default_factory=list)
    """Objects that are there but unreadable."""


def list_objects(uri: str) -> Listing:
    """List what is under a URI.

    Files and keys whose name starts with `.` or `_` (`_SUCCESS`, `.crc`) are no data, as for Spark, Athena
    and Trino, and are left out; a file that is named itself is always taken. Local files are read for their
    SHA-256.

    Args:
        uri: a local file or directory (all files below it), as path or `file://`; or `s3://bucket/prefix`,
            where the prefix is one of keys, not of directories.

    Raises:
        LoaderError: it does not exist, can't be listed, or holds no object.
    """
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    if scheme == "s3":
        listing = _list_s3(uri)
    elif scheme in ("", "file"):
        listing = _list_local(Path(unquote(urlsplit(uri).path) if scheme else uri))
    else:
        raise LoaderError(f"{uri}: '{scheme}://' can't be read, only local paths, file:// and s3:// can")
    if not listing.objects and not listing.errors:
        raise LoaderError(f"{uri} holds no objects: check the path")
    return listing


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))


# Local files


def _list_local(root: Path) -> Listing:
    root = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow symbolic links
    if not root.exists():
        raise LoaderError(f"{root} does not exist: check the path")
    objects: list[StoredObject] = []
    errors: list[LoaderError] = []
    paths = sorted(_walk(root, errors)) if root.is_dir() else [root]
    for path in paths:
        try:
            objects.append(_local_object(path))
        except OSError as error:
            errors.append(_local_error(path, error))
    return Listing(objects, _read_local, errors)


def _walk(root: Path, errors: list[LoaderError]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        errors.append(_local_error(Path(error.filename), error))

    for directory, names, files in os.walk(root, onerror=note):
        names[:] = [name for name in names if not _is_hidden(name)]
        for name in files:
            path = Path(directory, name)
            if not _is_hidden(name) and path.is_file():
                yield path


def _local_object(path: Path) -> StoredObject:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    modified_at = datetime(1970, 1, 1) + timedelta(microseconds=status.st_mtime_ns // 1000)
    return StoredObject(path.as_uri(), digest, status.st_size, modified_at)


def _read_local(stored: StoredObject) -> bytes:
    path = Path(unquote(urlsplit(stored.uri).path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _local_error(path, error) from error
    if hashlib.sha256(content).hexdigest() != stored.etag:
        raise LoaderError(f"{stored.uri} changed since it was listed: run again")
    return content


def _local_error(path: Path, error: OSError) -> LoaderError:
    return LoaderError(f"{path} can't be read ({error.strerror}): check its permissions")


# S3


def _list_s3(uri: str) -> Listing:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    if not bucket:
        raise LoaderError(f"{uri} names no bucket: write s3://bucket/prefix")
    objects = []
    try:
        client = boto3.Session().client("s3")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                if key.endswith("/") or _is_hidden_below(prefix, key):
                    continue
                modified_at = entry["LastModified"].astimezone(UTC).replace(tzinfo=None)
                etag = entry["ETag"].strip('"')
                objects.append(StoredObject(f"s3://{bucket}/{key}", etag, entry["Size"], modified_at))
    except (BotoCoreError, ClientError, ValueError) as error:
        raise _s3_error(uri, error) from error
    return Listing(objects, lambda stored: _read_s3(client, stored))


def _is_hidden_below(prefix: str, key: str) -> bool:
    return any(match.start("name") >= len(prefix) for match in _HIDDEN_NAME.finditer(key))


def _read_s3(client: Any, stored: StoredObject) -> bytes:
    bucket, _, key = stored.uri.removeprefix("s3://").partition("/")
    try:
        return client.get_object(Bucket=bucket, Key=key, IfMatch=f'"{stored.etag}"')["Body"].read()
    except (BotoCoreError, ClientError) as error:
        raise _s3_error(stored.uri, error) from error


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
