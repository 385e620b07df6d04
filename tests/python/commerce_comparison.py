"""The shop's tables of a lakehouse against the plain Python computation."""

from __future__ import annotations

from comparison import assert_rows
from warehouse import Warehouse

from oracle.commerce import COMMERCE_KEYS, compute_commerce


def assert_commerce_equals_oracle(warehouse: Warehouse) -> None:
    """Compare the shop's facts and marts with what plain Python makes of the raw rows."""
    raw = [warehouse.rows(f"raw.{name}") for name in ("transactions", "reviews", "products")]
    shop = compute_commerce(*raw)
    for table, key in COMMERCE_KEYS.items():
        assert_rows(getattr(shop, table), warehouse.rows(f"analytics.{table}"), key, table)
