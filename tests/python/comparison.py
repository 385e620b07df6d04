"""Whole-table comparison of two builds of the same models."""

from __future__ import annotations

from warehouse import Warehouse

# When a row was written is not what it says.
LOAD_TIME_COLUMNS = frozenset(
    {"processed_timestamp", "built_at", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_scd_id"}
)
# int_built_batches is the account of what was built by which model; a snapshot has the states that dbt saw.
NOT_COMPARED = frozenset({"int_built_batches", "product_history"})


def assert_same_rows(warehouse: Warehouse, one: str, other: str) -> None:
    """Every stored model of the manifest holds the same rows in two schemas, in all columns but load times.

    Args:
        warehouse: holds both builds; the manifest is that of its last dbt command.
        one: the target schema (DBT_SCHEMA) of the first build.
        other: that of the second.
    """
    with warehouse.connect() as connection:
        for name, table in sorted(warehouse.models().items()):
            if name in NOT_COMPARED:
                continue
            suffix = table.partition(".")[0].removeprefix(other).removeprefix(one)
            left, right = f"lake.{one}{suffix}.{name}", f"lake.{other}{suffix}.{name}"
            described = connection.execute(f"describe {left}").fetchall()
            columns = ", ".join(f'"{row[0]}"' for row in described if row[0] not in LOAD_TIME_COLUMNS)
            for a, b in ((left, right), (right, left)):
                extra = connection.execute(
                    f"select {columns} from {a} except all select {columns} from {b}"
                ).fetchall()
                assert not extra, f"{name}: {len(extra)} rows only in {a}, e.g. {extra[0]}"
