"""A lakehouse on the Athena endpoint, beside a local one with the same raw rows to compare with."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyathena
from athena_endpoint import AthenaEndpoint
from athena_endpoint.api import WORK_GROUP
from athena_endpoint.calls import REGION
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.expressions import In, Not
from trino_available import SHORT_LIVED
from warehouse import Warehouse

from loaders.catalog import RAW_NAMESPACE
from loaders.lakehouse import store
from loaders.lakehouse.trino import TrinoSettings
from loaders.ledger import LEDGER
from loaders.raw_tables import DATASETS, create_raw_tables

# The name of Glue's tables in DuckDB.
GLUE = "glue"


class AthenaWarehouse(Warehouse):
    """Loads into Glue; `dbt` builds target `athena` unless told otherwise, `build_local` the local target."""

    def __init__(self, home: Path, endpoint: AthenaEndpoint | None = None) -> None:
        super().__init__(home)
        self.endpoint = endpoint

    def athena(self, *arguments: str, check: bool = True, **environment: str) -> Any:
        """Run dbt on target `athena`."""
        more = {**self.endpoint.environment(), "DBT_THREADS": "4", **environment}
        with self.endpoint.calls.made_by("transformer"):
            return super().dbt(*arguments, "--target", "athena", check=check, **more)

    def load(self, loader: str, uri: Path | str, into: str | None = None) -> dict[str, Any]:
        """Run a loader with Glue as its catalog, then give the local lakehouse the same rows."""
        kept, self.environment = self.environment, {**self.environment, **self.endpoint.environment()}
        try:
            with self.endpoint.calls.made_by("loader"):
                summary = super().load(loader, uri, into)
        finally:
            self.environment = kept
        self._copy_raw()
        return summary

    def maintain(self, schema: str) -> None:
        """Let the loaders' own maintenance join the small files of raw and of target `athena` in a schema."""
        command = ("python", "-m", "loaders", "--debug", "maintain", "--target", "athena")
        self.command(*command, **self.endpoint.environment(), DBT_SCHEMA=schema)

    def run_statement(
        self, sql: str, schema: str = "default", output_location: str = "s3://athena/staging/"
    ) -> None:
        """Run one statement in Athena; fails when it does."""
        client = self.endpoint.client("athena")
        started = client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": schema},
            ResultConfiguration={"OutputLocation": output_location},
        )
        execution = next(one for one in self.endpoint.executions if one.id == started["QueryExecutionId"])
        assert execution.finished.wait(300)
        assert execution.state == "SUCCEEDED", execution.reason
        client.get_query_execution(QueryExecutionId=execution.id)
        client.get_query_results(QueryExecutionId=execution.id)

    def athena_cursor(self) -> Any:
        """A cursor of PyAthena, which dbt-athena reads Athena's answers with, too."""
        return pyathena.connect(
            endpoint_url=self.endpoint.url,
            region_name=REGION,
            work_group=WORK_GROUP,
            s3_staging_dir="s3://athena/staging/",
            aws_access_key_id=self.endpoint.store.access_key,
            aws_secret_access_key=self.endpoint.store.secret_key,
            poll_interval=0.05,
        ).cursor()

    def glue_catalog(self) -> Catalog:
        """The Glue catalog, through pyiceberg."""
        return load_catalog("glue", **self.endpoint.catalog_properties())

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB with the local lakehouse as `lake` and Glue's tables, as they are now, as `glue`."""
        connection = super().connect()
        connection.execute(f"attach ':memory:' as {GLUE}")
        catalog = self.glue_catalog()
        for (namespace,) in catalog.list_namespaces():
            connection.execute(f'create schema if not exists {GLUE}."{namespace}"')
            for identifier in catalog.list_tables(namespace):
                location = catalog.load_table(identifier).metadata_location
                view = f'{GLUE}."{namespace}".{identifier[-1]}'
                connection.execute(f"create view {view} as select * from iceberg_scan('{location}')")
        return connection

    def glue_snapshot_ids(self) -> dict[str, int | None]:
        """The current snapshot of every table in Glue."""
        catalog = self.glue_catalog()
        found = {}
        for (namespace,) in catalog.list_namespaces():
            for identifier in catalog.list_tables(namespace):
                snapshot = catalog.load_table(identifier).current_snapshot()
                found[".".join(identifier)] = snapshot.snapshot_id if snapshot else None
        return found

    def _copy_raw(self) -> None:
        """Append what is new in Glue's raw tables to the local ones: both targets see the same batches."""
        glue, local = self.glue_catalog(), load_catalog("local", **self._local_properties())
        create_raw_tables(local)
        for name in (*DATASETS, LEDGER):
            source, target = (catalog.load_table((RAW_NAMESPACE, name)) for catalog in (glue, local))
            known = set(target.scan(selected_fields=("batch_id",)).to_arrow()["batch_id"].to_pylist())
            rows = source.scan(*([Not(In("batch_id", known))] if known else [])).to_arrow()
            if len(rows):
                target.append(rows)

    def _local_properties(self) -> dict[str, str]:
        return store.ensure_running(self.settings).catalog_properties()


@contextmanager
def athena_warehouse(home: Path) -> Iterator[AthenaWarehouse]:
    """A running one."""
    warehouse = AthenaWarehouse(home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        settings = TrinoSettings(warehouse.settings, port, memory_megabytes=2048, java_options=SHORT_LIVED)
        with AthenaEndpoint(settings) as endpoint:
            warehouse.endpoint = endpoint
            yield warehouse
    finally:
        warehouse.close()
