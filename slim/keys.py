"""By what rows of a table are told apart, read from dbt's manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Test of dbt: its argument that has the columns.
_UNIQUE_TESTS = {
    "unique": "column_name",
    "unique_combination_of_columns": "combination_of_columns",
    "expect_compound_columns_to_be_unique": "column_list",
}


def candidate_keys(manifest: dict[str, Any], unique_id: str) -> list[tuple[str, ...]]:
    """The keys that a node claims to have, the surest first: constraints, tests, its `unique_key`.

    Args:
        manifest: dbt's, as read from JSON.
        unique_id: of a model, seed or snapshot.

    Returns:
        The columns of each; none when it claims none. They need not hold.
    """
    node = manifest["nodes"][unique_id]
    # dbt_scd_id of a snapshot is another at each build.
    found = (
        [*_constraints(node), *_tested(manifest, unique_id)] if node["resource_type"] != "snapshot" else []
    )
    if unique_key := node["config"].get("unique_key"):
        found.append([unique_key] if isinstance(unique_key, str) else unique_key)
    return list(dict.fromkeys(tuple(key) for key in found))


def _constraints(node: dict[str, Any]) -> Iterator[list[str]]:
    for constraint in node.get("constraints") or []:
        if constraint["type"] == "primary_key":
            yield constraint["columns"]
    for column in node["columns"].values():
        if any(constraint["type"] == "primary_key" for constraint in column.get("constraints") or []):
            yield [column["name"]]


def _tested(manifest: dict[str, Any], unique_id: str) -> Iterator[list[str]]:
    tests = [manifest["nodes"].get(child) for child in manifest["child_map"][unique_id]]
    for test in tests:
        if not test or test.get("attached_node") != unique_id or test["config"].get("where"):
            continue
        argument = _UNIQUE_TESTS.get(test["test_metadata"]["name"])
        columns = test["test_metadata"]["kwargs"].get(argument) if argument else None
        if columns:
            yield [columns] if isinstance(columns, str) else columns
