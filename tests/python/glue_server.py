"""Glue (and STS), the catalog of production, in a thread of this process: played by moto."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import EmptyResult
from moto.glue.responses import GlueResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from loaders.lakehouse.store import Store

REGION = "us-east-1"
# Below the server's URL: what the endpoint itself looks up is nobody's call.
NOT_NOTED = "/not-noted"

_lock = threading.Lock()
logging.getLogger("werkzeug").setLevel(logging.WARNING)


class ConcurrentModificationError(JsonRESTError):
    """Another writer has updated the table since its version was read."""

    code = 400

    def __init__(self, table: str, expected: str, found: str) -> None:
        message = (
            f"Update table failed due to concurrent modifications: {table} is at {found}, not {expected}"
        )
        super().__init__("ConcurrentModificationException", message)


def _update_table(self: GlueResponse) -> Any:
    """UpdateTable as Glue does it: a request that names a version is refused when the table has a later one.

    https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html. moto ignores VersionId:
    of two commits to an Iceberg table that start from the same version the first would be lost.
    """
    database, table_input = self.parameters["DatabaseName"], self.parameters["TableInput"]
    expected = self.parameters.get("VersionId")
    with _lock:
        table = self.glue_backend.get_table(database, table_input["Name"])
        found = table.as_dict()["VersionId"]
        if expected is not None and str(expected) != found:
            raise ConcurrentModificationError(f"{database}.{table_input['Name']}", expected, found)
        self.glue_backend.update_table(database, table_input["Name"], table_input)
    return EmptyResult()


@contextmanager
def glue_server(note: Callable[[str, dict[str, Any]], None] | None = None) -> Iterator[str]:
    """Run it on a free port of the loopback interface; yields its URL.

    Args:
        note: is told the operation and the content of each request.
    """
    application = DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if environ["PATH_INFO"].startswith(NOT_NOTED):
            environ["PATH_INFO"] = "/"
        elif note and target.startswith("AWSGlue."):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            note(target.removeprefix("AWSGlue."), json.loads(body))
        return application(environ, start_response)

    original = GlueResponse.update_table
    GlueResponse.update_table = _update_table
    server = make_server("127.0.0.1", 0, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        GlueResponse.update_table = original


def glue_properties(url: str, store: Store, bucket: str) -> dict[str, str]:
    """Properties for `pyiceberg.catalog.load_catalog`: this Glue, and the S3 of a local lakehouse.

    Args:
        url: Glue's.
        store: the lakehouse.
        bucket: of the tables.
    """
    return {
        "type": "glue",
        "glue.endpoint": url,
        "glue.region": REGION,
        "glue.access-key-id": store.access_key,
        "glue.secret-access-key": store.secret_key,
        "warehouse": f"s3://{bucket}/raw",
        "s3.endpoint": store.s3_endpoint,
        "s3.access-key-id": store.access_key,
        "s3.secret-access-key": store.secret_key,
        "s3.region": REGION,
        "s3.force-virtual-addressing": "false",
    }
