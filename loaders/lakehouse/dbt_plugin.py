"""dbt-duckdb plugin of target `local`: a dbt command that connects starts the lakehouse when it is not up."""

from __future__ import annotations

from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from duckdb import DuckDBPyConnection

from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.store import Store, ensure_running


class Plugin(BasePlugin):
    """Prepares each DuckDB instance of dbt; profiles.yml attaches the catalog."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Start the store before DuckDB connects."""
        config.update(duckdb_session.connection_options(self._store()))

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Load extensions, create secrets and register functions on the new instance."""
        duckdb_session.prepare(conn, self._store())

    def _store(self) -> Store:
        try:
            return ensure_running()
        except LoaderError as error:
            raise DbtRuntimeError(str(error)) from error
