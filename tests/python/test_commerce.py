"""The shop's files in batches of any order: every table as plain Python makes it."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from commerce_comparison import assert_commerce_equals_oracle
from warehouse import Row, Warehouse

from loaders.sample import generate_sample

MODIFIED = datetime(2026, 3, 1, tzinfo=UTC)
# Nothing of the shop reads these.
LEFT_OUT = ("models/intermediate/tours", "models/intermediate/growth")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A lakehouse that holds a small sample, built once."""
    home = tmp_path_factory.mktemp("commerce")
    generate_sample(home / "sample", events=4_000, days=4, seed=3)
    warehouse = Warehouse(home, left_out=LEFT_OUT)
    try:
        warehouse.load_sample(home / "sample")
        warehouse.dbt("build")
        yield warehouse
    finally:
        warehouse.close()


def write(path: Path, records: list[Any], days: int = 0) -> Path:
    """An object of JSON lines, last modified some days after MODIFIED."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    at = (MODIFIED + timedelta(days=days)).timestamp()
    os.utime(path, (at, at))
    return path


def sale(number: int, **fields: Any) -> dict[str, Any]:
    """A transaction of 10.00."""
    record = {
        "transaction_id": f"sale-{number}",
        "customer_id": f"customer-{number % 3}",
        "product_id": f"product-{number % 2}",
        "quantity": 1,
        "price": "10.00",
        "transaction_date": f"2026-02-{1 + number:02}",
        "status": "completed",
    }
    return record | fields


def build_shop(warehouse: Warehouse) -> None:
    """Build what follows from the shop's files; what else there is waits."""
    batches = ("int_loaded_objects", "int_superseded_objects", "int_commerce_records")
    warehouse.dbt("run", "--select", *batches, "stg_transactions+", "stg_reviews+", "stg_products+")


def sales_of(warehouse: Warehouse) -> dict[str, Row]:
    rows = warehouse.rows("analytics.fct_transactions")
    return {row["transaction_id"]: row for row in rows if row["transaction_id"].startswith("sale-")}


def test_the_sample_equals_plain_python(built: Warehouse) -> None:
    assert_commerce_equals_oracle(built)


def test_changed_transactions_leave_nothing_behind(built: Warehouse, tmp_path: Path) -> None:
    """Another customer, another day, another product, a return, an object that comes again with less."""
    first = write(tmp_path / "a.json", [sale(number) for number in range(6)])
    built.load("historical", first, into="transactions")
    build_shop(built)
    assert len(sales_of(built)) == 6

    changes = [
        sale(0, customer_id="another"),
        sale(1, transaction_date="2025-11-30"),
        sale(2, product_id=None),
        sale(3, status="Returned"),
        sale(4, status="shipped"),
    ]
    built.load("historical", write(tmp_path / "b.json", changes, days=1), into="transactions")
    # Older than both: changes nothing, whenever it comes.
    late = write(tmp_path / "c.json", [sale(0, customer_id="nobody"), sale(7)], days=-1)
    built.load("historical", late, into="transactions")
    build_shop(built)
    sales = sales_of(built)
    assert sales["sale-0"]["customer_id"] == "another"
    assert sales["sale-3"]["status"] == "returned"
    assert sales["sale-4"]["status"] == "completed", "the rejected copy does not count"
    assert_commerce_equals_oracle(built)

    built.load("historical", write(first, [sale(5)], days=2), into="transactions")
    build_shop(built)
    assert sales_of(built).keys() == {f"sale-{number}" for number in (0, 1, 2, 3, 5, 7)}
    assert_commerce_equals_oracle(built)


def test_a_category_that_changes_reaches_all_days(built: Warehouse, tmp_path: Path) -> None:
    built.load(
        "historical", write(tmp_path / "t.json", [sale(number) for number in range(4)]), "transactions"
    )
    for number, category in enumerate(("lamps", None, "chairs")):
        entry = {"product_id": "product-1", "category": category, "price": number}
        built.load("historical", write(tmp_path / "p" / f"{number}.json", [entry], days=number), "products")
        build_shop(built)
        assert_commerce_equals_oracle(built)


def test_the_order_of_batches_does_not_show(built: Warehouse, tmp_path: Path) -> None:
    """Copies of transactions, reviews and entries over objects that are loaded in a random order."""
    chance = random.Random(5)
    objects = []
    for number in range(8):
        records = {
            "transactions": [
                sale(
                    chance.randrange(20),
                    customer_id=f"customer-{chance.randrange(4)}",
                    transaction_date=f"2026-0{chance.randrange(1, 4)}-1{chance.randrange(10)}",
                    status=chance.choice(["completed", "completed", "refunded", "lost"]),
                )
                for _ in range(12)
            ],
            "reviews": [
                {
                    "review_id": f"review-{chance.randrange(9)}",
                    "product_id": f"product-{chance.randrange(3)}",
                    "rating": chance.randrange(7),
                }
                for _ in range(5)
            ],
            "products": [
                {"product_id": f"product-{chance.randrange(3)}", "category": chance.choice(["a", "b", None])}
            ],
        }
        for dataset, rows in records.items():
            # Three names for eight objects: some come again.
            objects.append((dataset, f"{number % 3}.json", rows, chance.randrange(9)))
    chance.shuffle(objects)
    for position, (dataset, name, rows, days) in enumerate(objects):
        built.load("historical", write(tmp_path / dataset / name, rows, days), into=dataset)
        if position % 6 == 5:
            build_shop(built)
    built.dbt("build")
    assert_commerce_equals_oracle(built)
