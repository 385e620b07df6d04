"""The shop's tables of a lakehouse against the plain Python computation."""

from __future__ import annotations

from collections import Counter

from warehouse import Row, Warehouse

from oracle.commerce import COMMERCE_KEYS, compute_commerce


def assert_commerce_equals_oracle(warehouse: Warehouse) -> None:
    """Compare the shop's facts and marts with what plain Python makes of the raw rows."""
    raw = [warehouse.rows(f"raw.{name}") for name in ("transactions", "reviews", "products")]
    shop = compute_commerce(*raw)
    for table, key in COMMERCE_KEYS.items():
        _assert_same(getattr(shop, table), warehouse.rows(f"analytics.{table}"), key, table)


def _assert_same(expected: list[Row], actual: list[Row], key: tuple[str, ...], table: str) -> None:
    """Every column that the expectation has, for all rows, both ways."""
    wanted = {tuple(row[name] for name in key): row for row in expected}
    columns = list(expected[0]) if expected else list(key)
    found = {tuple(row[name] for name in key): {name: row[name] for name in columns} for row in actual}
    twice = Counter(tuple(row[name] for name in key) for row in actual) - Counter(list(found))
    assert not twice, f"{table}: rows of one key, e.g. {next(iter(twice))}"
    assert found.keys() == wanted.keys(), (
        f"{table}: rows differ, e.g. {sorted(map(str, found.keys() ^ wanted.keys()))[:4]}"
    )
    different = [(found[k], wanted[k]) for k in wanted if found[k] != wanted[k]]
    assert not different, f"{table}: {len(different)} rows differ, e.g. {different[0]}"
