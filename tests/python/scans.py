"""How many data files a query reads, from DuckDB's own account of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

# Tables have a location of their own: s3://warehouse/<schema>/<table>-<32 hexadecimal digits>/data/…
_TABLE = re.compile(r"s3://warehouse/(\w+)/(\w+?)(?:__dbt_tmp)?-[0-9a-f]{32}/data/")


def files_read(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, int]]:
    """Run a query and return its scans: each table as `schema.table`, and how many data files were read.

    Args:
        connection: has the lakehouse attached.
        query: a select statement.
    """
    explained = connection.execute(f"explain (analyze, format json) {query}").fetchall()
    found = []
    for scan in _scans(json.loads(explained[0][1])):
        # A scan that reads no file names none.
        if match := _TABLE.search(scan.get("Filename(s)", "")):
            found.append((".".join(match.groups()), int(scan["Total Files Read"])))
    return found


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("operator_name") == "ICEBERG_SCAN":
        yield node["extra_info"]
    for child in node.get("children", []):
        yield from _scans(child)
