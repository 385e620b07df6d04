"""dbt's catalog, completed: what has no table gets the types that its SQL gives, and everything its owner."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter
from typing import Any

import duckdb

from loaders.lakehouse import json_functions

Json = dict[str, Any]

# What dbt adds to the columns of a snapshot's query.
_SNAPSHOT_COLUMNS = {
    "dbt_scd_id": "VARCHAR",
    "dbt_updated_at": "TIMESTAMP",
    "dbt_valid_from": "TIMESTAMP",
    "dbt_valid_to": "TIMESTAMP",
}


def tables(manifest: Json) -> dict[str, Json]:
    """The models, seeds and snapshots of a manifest that are tables, by their unique id."""
    return {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] != "ephemeral"
    }


def complete(manifest: Json, catalog: Json) -> list[str]:
    """Add to a catalog the tables that are not there yet, and owners.

    Args:
        manifest: of `dbt docs generate`, with compiled SQL.
        catalog: of the same command; it has all sources.

    Returns:
        The names of what has no table: on DuckDB its types come from its SQL, elsewhere it has none.

    Raises:
        duckdb.Error: a model's SQL is wrong, and no model has been built by it.
    """
    nodes = tables(manifest)
    missing = sorted(nodes.keys() - catalog["nodes"].keys())
    if missing and manifest["metadata"]["adapter_type"] == "duckdb":
        types = types_by_sql(manifest, catalog)
        catalog["nodes"].update({key: _entry(nodes[key], types[key]) for key in missing})
    owners = {group["name"]: group["owner"] for group in manifest["groups"].values()}
    for key in nodes.keys() & catalog["nodes"].keys():
        owner = owners.get(nodes[key].get("group"), {})
        catalog["nodes"][key]["metadata"]["owner"] = owner.get("name") or owner.get("email")
    return [nodes[key]["name"] for key in missing]


def types_by_sql(manifest: Json, catalog: Json) -> dict[str, dict[str, str]]:
    """The types of the columns of each model, seed and snapshot, by unique id, without any table of theirs.

    Their SQL is run in order over empty tables, in a DuckDB in memory.
    """
    nodes = tables(manifest)
    parents = {
        key: [parent for parent in node["depends_on"].get("nodes", ()) if parent in nodes]
        for key, node in nodes.items()
    }
    types: dict[str, dict[str, str]] = {}
    with duckdb.connect() as connection:
        json_functions.register(connection)
        for database in {node["database"] for node in nodes.values()}:
            connection.execute(f"attach ':memory:' as {_quoted(database)}")
        for key, source in manifest["sources"].items():
            found = catalog["sources"][key]["columns"].values()
            columns = {column["name"]: column["type"] for column in found}
            _create(connection, (source["schema"], source["identifier"]), source["database"], columns)
        for key in TopologicalSorter(parents).static_order():
            node = nodes[key]
            types[key] = _types(connection, node)
            _create(connection, (node["schema"], node["alias"]), node["database"], types[key])
        json_functions.unregister(connection)
    return types


def _types(connection: duckdb.DuckDBPyConnection, node: Json) -> dict[str, str]:
    if node["resource_type"] == "seed":
        typed = node["config"]["column_types"].items()
        query = "select " + ", ".join(f"cast(null as {kind}) as {_quoted(name)}" for name, kind in typed)
    else:
        query = node["compiled_code"]
    types = {name: kind for name, kind, *_ in connection.execute(f"describe {query}").fetchall()}
    return {**types, **_SNAPSHOT_COLUMNS} if node["resource_type"] == "snapshot" else types


def _create(
    connection: duckdb.DuckDBPyConnection, name: Sequence[str], database: str, columns: dict[str, str]
) -> None:
    schema = ".".join(map(_quoted, (database, name[0])))
    defined = ", ".join(f"{_quoted(column)} {kind}" for column, kind in columns.items())
    connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create table {schema}.{_quoted(name[1])} ({defined})")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _entry(node: Json, types: dict[str, str]) -> Json:
    """A catalog's entry of a table."""
    return {
        "unique_id": node["unique_id"],
        "metadata": {
            "type": "BASE TABLE",
            "database": node["database"],
            "schema": node["schema"],
            "name": node["alias"],
            "comment": None,
            "owner": None,
        },
        "columns": {
            name: {"name": name, "type": kind, "index": index, "comment": None}
            for index, (name, kind) in enumerate(types.items(), start=1)
        },
        "stats": {
            "has_stats": {
                "id": "has_stats",
                "label": "Has Stats?",
                "value": False,
                "include": False,
                "description": "Indicates whether there are statistics for this table",
            }
        },
    }
