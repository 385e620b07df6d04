"""Every call to Athena, Glue and S3, as IAM names its action and its resources, by who makes it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from athena_endpoint.external_tables import COPIES

REGION = "us-east-1"
ACCOUNT = "123456789012"

_DELETED_KEY = re.compile(rb"<Key>(.*?)</Key>")


@dataclass(frozen=True, order=True)
class Call:
    """An action on one resource; a call that concerns several is several of these."""

    action: str
    resource: str


class CallRecord:
    """The calls so far, by caller."""

    def __init__(self) -> None:
        self._caller = ""
        self._calls: dict[str, set[Call]] = defaultdict(set)

    @contextmanager
    def made_by(self, caller: str) -> Iterator[None]:
        """Say who makes the calls that follow, those included that Athena makes for its statements."""
        before, self._caller = self._caller, caller
        try:
            yield
        finally:
            self._caller = before

    def of(self, caller: str) -> set[Call]:
        """All calls that a caller has made."""
        return self._calls[caller]

    def add(self, action: str, *resources: str) -> None:
        """Note a call."""
        self._calls[self._caller].update(Call(action, resource) for resource in resources)

    def add_athena(self, operation: str, work_group: str) -> None:
        """Note a call to Athena."""
        self.add(f"athena:{operation}", f"arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/{work_group}")

    def add_glue(self, operation: str, request: Mapping[str, Any]) -> None:
        """Note a call to Glue: it needs its action on the table, its database and the catalog.

        https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        The endpoint's own tables are not in Athena.
        """
        table = request.get("TableName") or request.get("TableInput", {}).get("Name")
        database = request.get("DatabaseName") or request.get("DatabaseInput", {}).get("Name")
        if operation in ("GetTable", "DeleteTable"):
            table = request["Name"]
        elif operation in ("GetDatabase", "UpdateDatabase", "DeleteDatabase"):
            database = request["Name"]
        elif operation == "GetTables":
            table = "*"
        elif operation == "GetDatabases":
            database = "*"
        if database == COPIES:
            return
        names = ["catalog"]
        if database:
            names.append(f"database/{database}")
        if table:
            names.append(f"table/{database}/{table}")
        self.add(f"glue:{operation}", *(f"arn:aws:glue:{REGION}:{ACCOUNT}:{name}" for name in names))

    def add_s3(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        """Note a request to S3 with the bucket in its path.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
        """
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        arn = f"arn:aws:s3:::{bucket}"
        if not key:
            for deleted in _DELETED_KEY.findall(body) if "delete" in query else ():
                self.add("s3:DeleteObject", f"{arn}/{deleted.decode()}")
            if "delete" not in query:
                self.add(_bucket_action(method, query), arn)
            return
        self.add(_object_action(method, query), f"{arn}/{key}")
        if copied := headers.get("x-amz-copy-source"):
            self.add("s3:GetObject", f"arn:aws:s3:::{unquote(copied).lstrip('/').partition('?')[0]}")


def _bucket_action(method: str, query: Mapping[str, Any]) -> str:
    if method == "PUT":
        return "s3:CreateBucket"
    if "location" in query:
        return "s3:GetBucketLocation"
    return "s3:ListBucketMultipartUploads" if "uploads" in query else "s3:ListBucket"


def _object_action(method: str, query: Mapping[str, Any]) -> str:
    if method in ("GET", "HEAD"):
        return "s3:ListMultipartUploadParts" if "uploadId" in query else "s3:GetObject"
    if method == "DELETE":
        return "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
    return "s3:PutObject"
