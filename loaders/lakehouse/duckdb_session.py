"""Give a DuckDB connection what the lakehouse needs: extensions, secrets, functions, the catalog."""

from __future__ import annotations

from contextlib import suppress

import duckdb
import duckdb_extensions

from loaders.lakehouse import json_functions
from loaders.lakehouse.settings import WAREHOUSE
from loaders.lakehouse.store import Store, ensure_running

CATALOG = "lake"
EXTENSIONS = ("httpfs", "avro", "iceberg")


def connect() -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB whose catalog `lake` is the local lakehouse, started when needed.

    Raises:
        LoaderError: the store can't start.
    """
    store = ensure_running()
    connection = duckdb.connect(config=connection_options(store))
    prepare(connection, store)
    attach(connection, store)
    return connection


def attach(connection: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Attach the lakehouse's catalog as `lake` to a prepared connection, as profiles.yml does."""
    attach_to(connection, store.settings.iceberg_uri)


def attach_to(connection: duckdb.DuckDBPyConnection, uri: str) -> None:
    """Attach an Iceberg REST catalog that takes the lakehouse's credentials."""
    # DuckDB 1.5 removes the files of a commit that may have landed: https://github.com/duckdb/duckdb-iceberg/pull/1120
    connection.execute(_attach_statement(uri, "remove_files_on_delete false"))


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a prepared connection: its catalog, threads and functions end before the instance does.

    Dropped all at once, an instance now and then ended its process with SIGSEGV, after all work was done.

    Args:
        connection: one that no other thread uses any more; it may have failed.
    """
    for statement in (f"detach database if exists {CATALOG}", "set threads = 1"):
        with suppress(duckdb.Error):
            connection.execute(statement)
    with suppress(duckdb.Error):
        json_functions.unregister(connection)
    connection.close()


def connection_options(store: Store) -> dict[str, str]:
    """Options for `duckdb.connect`: extensions are kept in the lakehouse's home, not in the user's."""
    return {"extension_directory": str(store.settings.home / "duckdb_extensions")}


def prepare(connection: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Load the extensions from their wheels, create the secrets and register the functions.

    Args:
        connection: a connection opened with `connection_options`.
        store: the running lakehouse.
    """
    for extension in EXTENSIONS:
        duckdb_extensions.import_extension(extension, con=connection)
        connection.execute(f"load {extension}")
    for statement in _secret_statements(store):
        connection.execute(statement)
    json_functions.register(connection)


def reading_statements(store: Store) -> list[str]:
    """The SQL by which any DuckDB of this version reads the lakehouse as `lake`, and can't write to it.

    The extensions are taken from the lakehouse's home, where `connect` has put them: no download.
    """
    directory = connection_options(store)["extension_directory"].replace("'", "''")
    return [
        f"set extension_directory = '{directory}'",
        *(f"load {extension}" for extension in EXTENSIONS),
        "set TimeZone = 'UTC'",
        *_secret_statements(store),
        _attach_statement(store.settings.iceberg_uri, "read_only"),
    ]


def _secret_statements(store: Store) -> list[str]:
    # Keys are hexadecimal text of our own making: they need no escaping.
    return [
        f"create or replace temporary secret lakehouse_catalog (type iceberg, "
        f"client_id '{store.access_key}', client_secret '{store.secret_key}', "
        f"oauth2_server_uri '{store.settings.iceberg_uri}/v1/oauth/tokens')",
        f"create or replace temporary secret lakehouse_s3 (type s3, key_id '{store.access_key}', "
        f"secret '{store.secret_key}', endpoint '{store.s3_endpoint.removeprefix('http://')}', "
        f"url_style 'path', use_ssl false, region 'us-east-1')",
    ]


def _attach_statement(uri: str, option: str) -> str:
    return (
        f"attach '{WAREHOUSE}' as {CATALOG} (type iceberg, endpoint '{uri}', secret lakehouse_catalog, "
        f"access_delegation_mode 'none', {option})"
    )
