"""Start and stop everything behind the endpoint."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import boto3
from botocore.config import Config
from glue_server import NOT_NOTED, glue_server

from athena_endpoint.api import DATA_CATALOG, WORK_GROUP, AthenaApi, serve
from athena_endpoint.calls import REGION, CallRecord
from athena_endpoint.executions import Execution, Executions
from athena_endpoint.s3 import s3_server
from loaders.lakehouse import trino
from loaders.lakehouse.store import ensure_running
from loaders.lakehouse.trino import TrinoSettings

# Also the name of Trino's catalog, so that three-part names mean the same.
CATALOG = DATA_CATALOG.lower()
BUCKET = "athena"


class AthenaEndpoint:
    """A running endpoint: `with AthenaEndpoint(settings) as endpoint: …`.

    Args:
        settings: the Trino server to start, on the lakehouse whose S3 holds the tables.

    Attributes:
        calls: to Athena, Glue and S3, those of tests and those that Athena makes for its statements.
    """

    def __init__(self, settings: TrinoSettings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self.calls = CallRecord()

    def __enter__(self) -> AthenaEndpoint:
        with ExitStack() as stack:
            self.store = ensure_running(self._settings.lakehouse)
            self.glue_url = stack.enter_context(glue_server(self.calls.add_glue))
            self.s3_url = stack.enter_context(s3_server(self.store.s3_endpoint, self.calls))
            s3 = self.client("s3", config=Config(s3={"addressing_style": "path"}))
            s3.create_bucket(Bucket=BUCKET)
            stack.callback(trino.stop, self._settings)
            self.trino = trino.start(self._settings, {CATALOG: self._trino_catalog()})
            not_noted = {
                **self.catalog_properties(),
                "glue.endpoint": f"{self.glue_url}{NOT_NOTED}",
                "s3.endpoint": self.store.s3_endpoint,
            }
            self._executions = Executions(self._settings.port, self.client("glue"), s3, not_noted)
            stack.callback(self._executions.close)
            self._api = AthenaApi(self._executions, self.calls)
            server = serve(self._api)
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            self.url = f"http://127.0.0.1:{server.server_port}"
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def executions(self) -> Iterable[Execution]:
        """Every statement so far, in the order of their starts."""
        return list(self._executions.by_id.values())

    @contextmanager
    def later(self, **time: int) -> Iterator[None]:
        """Let VACUUM find everything older, by a timedelta's arguments."""
        self._executions.seconds_later = int(timedelta(**time).total_seconds())
        try:
            yield
        finally:
            self._executions.seconds_later = 0

    def client(self, service: str, **options: Any) -> Any:
        """boto3's client of one of the services that are played here: athena, glue, s3 or sts."""
        urls = {"s3": self.s3_url, "athena": getattr(self, "url", None)}
        return boto3.client(
            service,
            endpoint_url=urls.get(service, self.glue_url),
            region_name=REGION,
            aws_access_key_id=self.store.access_key,
            aws_secret_access_key=self.store.secret_key,
            **options,
        )

    def environment(self) -> dict[str, str]:
        """What points target `athena`, boto3 and the loaders to this endpoint."""
        catalog = {
            f"PYICEBERG_CATALOG__DEFAULT__{name.upper().replace('.', '__').replace('-', '_')}": value
            for name, value in self.catalog_properties().items()
        }
        return {
            **self.store.aws_environment(),
            **catalog,
            "AWS_ENDPOINT_URL_S3": self.s3_url,
            "AWS_ENDPOINT_URL_ATHENA": self.url,
            "AWS_ENDPOINT_URL_GLUE": self.glue_url,
            "AWS_ENDPOINT_URL_STS": self.glue_url,
            "ATHENA_WORK_GROUP": WORK_GROUP,
            "ATHENA_STAGING_DIR": f"s3://{BUCKET}/staging/",
            "ATHENA_DATA_DIR": f"s3://{BUCKET}/tables/",
            "ATHENA_POLL_SECONDS": "0.05",
        }

    def catalog_properties(self) -> dict[str, str]:
        """Properties for `pyiceberg.catalog.load_catalog` to reach Glue and the S3 of its tables."""
        return {
            "type": "glue",
            "glue.endpoint": self.glue_url,
            "glue.region": REGION,
            "glue.access-key-id": self.store.access_key,
            "glue.secret-access-key": self.store.secret_key,
            "warehouse": f"s3://{BUCKET}/raw",
            "s3.endpoint": self.s3_url,
            "s3.access-key-id": self.store.access_key,
            "s3.secret-access-key": self.store.secret_key,
            "s3.region": REGION,
            "s3.force-virtual-addressing": "false",
        }

    def _trino_catalog(self) -> dict[str, str]:
        return {
            "connector.name": "iceberg",
            "iceberg.catalog.type": "glue",
            "hive.metastore.glue.endpoint-url": self.glue_url,
            "hive.metastore.glue.region": REGION,
            "hive.metastore.glue.aws-access-key": self.store.access_key,
            "hive.metastore.glue.aws-secret-key": self.store.secret_key,
            "hive.metastore.glue.default-warehouse-dir": f"s3://{BUCKET}/default",
            # Athena's limit, said although it is Trino's default.
            "iceberg.max-partitions-per-writer": "100",
            "iceberg.allowed-extra-properties": "*",
            # VACUUM goes by the table's own property.
            "iceberg.expire-snapshots.min-retention": "0s",
            "iceberg.remove-orphan-files.min-retention": "0s",
            **trino.s3_properties(self.store),
            "s3.endpoint": self.s3_url,
        }
