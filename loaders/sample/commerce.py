"""The shop's own files: transactions, reviews, and the catalog with its history."""

from __future__ import annotations

from pathlib import Path
from random import Random

import orjson

from loaders.sample import vocabulary
from loaders.sample.clock import MS_PER_HOUR, MS_PER_MINUTE, Window
from loaders.sample.manifest import Tally
from loaders.sample.sessions import Session
from loaders.sample.shop_dirt import ShopDirt
from loaders.sample.world import Product
from loaders.sample.writer import csv_text, set_modified

TRANSACTION_COLUMNS = [
    "transaction_id", "customer_id", "product_id", "quantity", "price", "total_amount", "transaction_date",
    "status",
]  # fmt: skip
REVIEW_COLUMNS = ["review_id", "product_id", "customer_id", "rating", "review_text", "review_date"]

_RETURN_SHARE = 0.07
_REVIEW_SHARE = 0.1
_RATINGS = (1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5)
_LONGEST_WAIT_DAYS = 4


class Shop:
    """Keeps the books: every purchase becomes a transaction, some are returned, some are reviewed.

    A return comes some days later as a new row of the same transaction with another status, and so may a
    review with another rating. What would come after the window comes on its last day. Some rows come twice,
    and some are none of their kind (`shop_dirt`).

    Args:
        directory: where `transactions/`, `reviews/` and `products/` go.
        seed: decides what is returned and reviewed.
        window: the days of the call.
        tally: gets the counts per dataset.
    """

    def __init__(self, directory: Path, seed: int, window: Window, tally: Tally) -> None:
        self._directory = directory
        self._window = window
        self._random = Random(f"{seed}/shop/{window.first_day}").random
        self._dirt = ShopDirt(seed, window.first_day)
        self._datasets = tally.datasets
        self._rejected = tally.rejected_commerce
        self._product_ids: set[str] = set()
        self._transactions: dict[int, list[list[str]]] = {}
        self._reviews: dict[int, list[list[str]]] = {}

    def add_purchases(self, session: Session) -> None:
        """Enter the purchases of a session."""
        for index, step in enumerate(session.steps):
            if step.event == "purchase":
                self._add_purchase(session, index, step.at, step.product, step.quantity or 1)

    def write_catalog(self, day: int, products: list[Product]) -> None:
        """Write a day's catalog dump, delivered at 01:00: the products given, as they are on that day."""
        updated_ms = self._window.day_ms(day) + 30 * MS_PER_MINUTE
        updated_at = f"{self._window.date_of(day)}T00:30:00Z"
        lines = [
            orjson.dumps(
                {
                    "product_id": product.id,
                    "name": product.name,
                    "category": product.category,
                    "brand": product.brand,
                    "price": product.cents / 100,
                    "stock": product.stock,
                    "updated_at": updated_at,
                }
            )
            for product in products
        ]
        known = len(self._product_ids)
        self._product_ids.update(product.id for product in products)
        self._count("products", len(self._product_ids) - known, len(lines))
        line, reason = self._dirt.no_entry()
        lines.append(line)
        self._rejected["products"][reason] += 1
        content = b"\n".join(lines) + b"\n"
        self._write(
            "products",
            day,
            ".json",
            content,
            len(lines),
            updated_ms // MS_PER_HOUR * MS_PER_HOUR + MS_PER_HOUR,
        )

    def write_day(self, day: int) -> None:
        """Write a day's transactions and reviews, delivered when it ends."""
        end_ms = self._window.day_ms(day + 1)
        for name, columns, rows in (
            ("transactions", TRANSACTION_COLUMNS, self._transactions.pop(day, [])),
            ("reviews", REVIEW_COLUMNS, self._reviews.pop(day, [])),
        ):
            if rows:
                mixed, reasons = self._dirt.with_faults(name, rows)
                self._rejected[name].update(reasons)
                self._write(name, day, ".csv", csv_text([columns, *mixed]).encode(), len(mixed), end_ms)

    def _add_purchase(
        self, session: Session, index: int, at_ms: int, product: Product | None, quantity: int
    ) -> None:
        assert product is not None, "a purchase without product"
        random = self._random
        day = self._window.day_of(at_ms)
        row = [
            f"t_{session.key}_{index}",
            session.user_id or "",
            product.id,
            str(quantity),
            _money(product.cents),
            _money(product.cents * quantity),
            str(self._window.date_of(day)),
        ]
        copies = 1 + self._dirt.is_sent_again()
        self._transactions.setdefault(day, []).extend([self._dirt.spell([*row, "completed"])] * copies)
        self._count("transactions", 1, copies)
        if random() < _RETURN_SHARE:
            status = vocabulary.RETURN_STATUSES[int(random() * len(vocabulary.RETURN_STATUSES))]
            self._transactions.setdefault(self._later(day), []).append([*row, status])
            self._count("transactions", 0, 1)
        if random() < _REVIEW_SHARE:
            self._add_review(session, index, product, self._later(day))

    def _add_review(self, session: Session, index: int, product: Product, day: int) -> None:
        rating = _RATINGS[int(self._random() * len(_RATINGS))]
        texts = vocabulary.REVIEW_TEXTS[rating]
        row = [
            f"r_{session.key}_{index}",
            product.id,
            session.user_id or "",
            str(rating),
            texts[int(self._random() * len(texts))],
            str(self._window.date_of(day)),
        ]
        self._reviews.setdefault(day, []).append(row)
        self._count("reviews", 1, 1)
        if self._dirt.is_sent_again():
            changed = [*row[:3], str(rating % len(vocabulary.REVIEW_TEXTS) + 1), *row[4:]]
            self._reviews.setdefault(min(day + 1, self._window.last_day), []).append(changed)
            self._count("reviews", 0, 1)

    def _count(self, dataset: str, distinct: int, records: int) -> None:
        """Count records that are of their kind, and how many of them bring a new id."""
        self._datasets[dataset]["distinct"] += distinct
        self._datasets[dataset]["duplicates"] += records - distinct

    def _later(self, day: int) -> int:
        return min(day + 1 + int(self._random() * _LONGEST_WAIT_DAYS), self._window.last_day)

    def _write(
        self, dataset: str, day: int, suffix: str, content: bytes, records: int, modified_ms: int
    ) -> None:
        path = self._directory / dataset / f"{dataset}-{self._window.date_of(day)}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        set_modified(path, modified_ms)
        self._datasets[dataset]["files"] += 1
        self._datasets[dataset]["records"] += records


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
