"""What goes wrong in the shop's files: records that must be rejected, copies, and values in odd spellings."""

from __future__ import annotations

import itertools
from random import Random

REASONS = {
    "transactions": (
        "no_transaction_id", "no_customer_id", "unreadable_amount", "unreadable_date", "unknown_status",
        "not_json_object",
    ),
    "reviews": ("no_review_id", "no_product_id", "unreadable_rating", "not_json_object"),
    "products": ("no_product_id", "not_json_object"),
}  # fmt: skip
"""Per dataset the reasons to reject that the sample has, in the order in which they come up."""

_COPY_SHARE = 0.02
_NO_TOTAL_SHARE = 0.03
_SPELLING_SHARE = 0.03
_ROWS_PER_FAULT = 40
_NOTHING = ("", " ", "NULL", "undefined")
_STATUSES = ("Completed", " completed ", "COMPLETED")

# Columns of transactions and what makes their amount unreadable.
_AMOUNTS = ({3: "two"}, {4: "n/a"}, {5: "1.234,50"}, {4: "", 5: ""})
_DATES = ("05.01.2026", "2026-02-30", "", "yesterday")
_UNKNOWN_STATUSES = ("shipped", "", "NULL")
_RATINGS = ("0", "6", "five", "", "4.5")
_NO_ENTRIES = ('{"product_id":" ","name":"Nobody"}', '{"name":"Nobody","price":1}', '{"product_id":null}')
_GARBAGE = ('{"product_id":"p-1","name":', "502 Bad Gateway", '["product_id"]')


class ShopDirt:
    """Draws from a source of its own, so that what happens in the shop does not depend on it."""

    def __init__(self, seed: int, first_day: int) -> None:
        self._random = Random(f"{seed}/shop dirt/{first_day}")
        self._reasons = {name: itertools.cycle(reasons) for name, reasons in REASONS.items()}

    def spell(self, transaction: list[str]) -> list[str]:
        """A transaction as the shop may write it: without total, or with its status in other letters."""
        row = [*transaction]
        if self._happens(_NO_TOTAL_SHARE):
            row[5] = self._random.choice(_NOTHING)
        if self._happens(_SPELLING_SHARE):
            row[7] = self._random.choice(_STATUSES)
        return row

    def is_sent_again(self) -> bool:
        """Whether a record comes twice."""
        return self._happens(_COPY_SHARE)

    def with_faults(self, dataset: str, rows: list[list[str]]) -> tuple[list[list[str]], list[str]]:
        """A day's rows with rows among them that must be rejected, and the reasons."""
        mixed, reasons = [*rows], []
        for number in range(1 + len(rows) // _ROWS_PER_FAULT):
            reason = next(self._reasons[dataset])
            like = [*self._random.choice(rows)]
            # Not the id of another record: a row that is wrongly accepted shows.
            like[0] = f"{like[0]}_x{number}"
            break_row = {"transactions": self._transaction, "reviews": self._review}[dataset]
            mixed.insert(self._random.randint(0, len(mixed)), break_row(like, reason))
            reasons.append(reason)
        return mixed, reasons

    def no_entry(self) -> tuple[bytes, str]:
        """A line of the catalog that is no entry, and why."""
        reason = next(self._reasons["products"])
        lines = _NO_ENTRIES if reason == "no_product_id" else _GARBAGE
        return self._random.choice(lines).encode(), reason

    def _transaction(self, row: list[str], reason: str) -> list[str]:
        choice = self._random.choice
        if reason == "no_transaction_id":
            row[0] = choice(_NOTHING)
        elif reason == "no_customer_id":
            row[1] = choice(_NOTHING)
        elif reason == "unreadable_amount":
            for column, text in choice(_AMOUNTS).items():
                row[column] = text
        elif reason == "unreadable_date":
            row[6] = choice(_DATES)
        elif reason == "unknown_status":
            row[7] = choice(_UNKNOWN_STATUSES)
        else:
            row.append("surplus")
        return row

    def _review(self, row: list[str], reason: str) -> list[str]:
        choice = self._random.choice
        if reason == "no_review_id":
            row[0] = choice(_NOTHING)
        elif reason == "no_product_id":
            row[1] = choice(_NOTHING)
        elif reason == "unreadable_rating":
            row[3] = choice(_RATINGS)
        else:
            row.append("surplus")
        return row

    def _happens(self, share: float) -> bool:
        return self._random.random() < share
