"""The one function that DuckDB lacks: the canonical form of a JSON object."""

from __future__ import annotations

import orjson
import pyarrow as pa
from duckdb import DuckDBPyConnection


def canonical_json_object(text: str) -> str | None:
    """Return the canonical text of a JSON object, or None when the text is no JSON object.

    Strict JSON (RFC 8259: no NaN, no lone surrogates, nothing after the object), keys sorted, the last of
    repeated keys, no white space.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def register(connection: DuckDBPyConnection) -> None:
    """Make `canonical_json_object(varchar) -> varchar` known to a DuckDB instance."""
    connection.create_function(
        "canonical_json_object",
        _canonical_json_objects,
        ["VARCHAR"],
        "VARCHAR",
        type="arrow",
        null_handling="special",
    )


def _canonical_json_objects(texts: pa.Array) -> pa.Array:
    values = [None if text is None else canonical_json_object(text) for text in texts.to_pylist()]
    return pa.array(values, pa.string())
