"""dbt-duckdb plugin of target `local`: a dbt command that connects starts the lakehouse when it is not up."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress
from typing import Any

import duckdb
from dbt.adapters.base import BaseRelation
from dbt.adapters.duckdb import DuckDBAdapter
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.first_tables import ensure_raw_tables
from loaders.lakehouse.store import Store, ensure_running


class Plugin(BasePlugin):
    """Prepares each DuckDB instance of dbt; profiles.yml attaches the catalog."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Start the store before DuckDB connects, and say where its catalog is."""
        store = self._store()
        config.update(duckdb_session.connection_options(store))
        for attachment in creds.attach or []:
            if attachment.alias == duckdb_session.CATALOG:
                attachment.options = {**(attachment.options or {}), "endpoint": store.settings.iceberg_uri}

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load extensions, create secrets and register functions on the new instance."""
        duckdb_session.prepare(conn, self._store())
        # Runs before dbt-duckdb's own, which was registered before it and drops the instance as it is.
        atexit.unregister(_close_duckdb)
        atexit.register(_close_duckdb)

    def _store(self) -> Store:
        try:
            store = ensure_running()
            # What nothing was loaded into is built, too: empty.
            ensure_raw_tables(store)
            return store
        except LoaderError as error:
            raise DbtRuntimeError(str(error)) from error


def _create_schemas_one_by_one() -> None:
    """dbt makes schemas in threads; DuckDB's Iceberg fails now and then when two are committed at once."""
    create_schema, lock = DuckDBAdapter.create_schema, threading.Lock()

    def create_schema_alone(adapter: DuckDBAdapter, relation: BaseRelation) -> None:
        with lock:
            create_schema(adapter, relation)

    DuckDBAdapter.create_schema = create_schema_alone


_create_schemas_one_by_one()


def _close_duckdb() -> None:
    """Close this process's DuckDB instances while all that they use is still there."""
    environment = DuckDBConnectionManager._ENV
    if environment is not None and environment.conn is not None:
        duckdb_session.close(environment.conn)
        environment.close()
    # `import duckdb` opens one more, which Python would close amid its own end.
    with suppress(duckdb.Error):
        duckdb.default_connection().close()
