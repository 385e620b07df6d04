"""The shop's tables out of raw transactions, reviews and products, as the text of the design says.

`compute_commerce` answers for what follows from the files of the shop alone; daily_kpis and product_affinity,
which need events, are in `oracle.facts`.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from loaders.lakehouse.settings import PROJECT_ROOT
from oracle.records import RawRow, believed_modified_at
from oracle.values import (
    NotJson,
    as_bigint,
    as_money,
    as_text,
    as_time,
    fit_money,
    from_datetime,
    parse_json,
    to_datetime,
)

Row = dict[str, Any]
Texts = Mapping[str, str | None]

STATUSES = ("completed", "returned", "refunded")
UNKNOWN = "(unknown)"
_RETURNED = ("returned", "refunded")
_BEST = 10
_PERIOD_DAYS = 30
_AVERAGE_DAYS = 7
_WEEK = timedelta(days=7)
_TOO_LARGE = "record too large: "

_TRANSACTION_FIELDS = (
    "transaction_id", "customer_id", "product_id", "quantity", "price", "total_amount", "transaction_date",
    "status",
)  # fmt: skip
_FIRST_DATE, _LAST_DATE = date(2000, 1, 1), date(2039, 12, 31)
_REVIEW_FIELDS = ("review_id", "product_id", "customer_id", "rating", "review_text", "review_date")
_PRODUCT_FIELDS = ("product_id", "category")


@dataclass(frozen=True)
class Commerce:
    """Every list is sorted by the key of its rows."""

    fct_transactions: list[Row]
    fct_reviews: list[Row]
    rejected_commerce: list[Row]
    commerce_reconciliation: list[Row]
    customer_lifetime_value: list[Row]
    customer_segments: list[Row]
    revenue_trends: list[Row]
    return_rates: list[Row]
    best_sellers: list[Row]
    revenue_by_category: list[Row]
    product_ratings: list[Row]


COMMERCE_KEYS = {
    "fct_transactions": ("transaction_id",),
    "fct_reviews": ("review_id",),
    "rejected_commerce": ("dataset", "source_uri", "source_position"),
    "commerce_reconciliation": ("load_date", "dataset", "source"),
    "customer_lifetime_value": ("customer_id",),
    "customer_segments": ("customer_id",),
    "revenue_trends": ("transaction_date",),
    "return_rates": ("product_id",),
    "best_sellers": ("period", "category", "rank"),
    "revenue_by_category": ("transaction_date", "category"),
    "product_ratings": ("product_id",),
}
"""The key of each table of `Commerce`."""


class _Rejected(Exception):
    """A record that is none of its kind; the message is the reason."""


def compute_commerce(
    raw_transactions: Iterable[RawRow],
    raw_reviews: Iterable[RawRow],
    raw_products: Iterable[RawRow],
    segment_rules: Iterable[Mapping[str, str]] | None = None,
) -> Commerce:
    """What the lake must hold for these raw rows, in whatever order they come.

    segment_rules: rows of the seed customer_segment_rules, which is read where none are given.
    """
    account = _Account()
    transactions = account.take("transactions", raw_transactions, read_transaction)
    reviews = account.take("reviews", raw_reviews, read_review)
    products = account.take("products", raw_products, _read_entry)
    categories = {row["product_id"]: row["category"] for row in products}
    rules = list(segment_rules) if segment_rules is not None else _seed_rules()

    completed = [row for row in transactions if row["status"] == "completed"]
    customers = customer_lifetime_value(transactions)
    return Commerce(
        fct_transactions=transactions,
        fct_reviews=reviews,
        rejected_commerce=account.rejected(),
        commerce_reconciliation=account.rows(),
        customer_lifetime_value=customers,
        customer_segments=customer_segments(customers, _as_of(transactions), rules),
        revenue_trends=revenue_trends(transactions),
        return_rates=return_rates(transactions),
        best_sellers=best_sellers(completed, _as_of(transactions), categories),
        revenue_by_category=revenue_by_category(completed, categories),
        product_ratings=product_ratings(reviews),
    )


# Records ----------------------------------------------------------------------------------------------------


def read_transaction(texts: Texts) -> Row:
    """A transaction out of the texts of its fields."""
    _require(texts["transaction_id"] is not None, "no_transaction_id")
    _require(texts["customer_id"] is not None, "no_customer_id")
    quantity = as_bigint(texts["quantity"])
    price, total = as_money(texts["price"]), as_money(texts["total_amount"])
    read = {"quantity": quantity, "price": price, "total_amount": total}
    _require(all(texts[name] is None or read[name] is not None for name in read), "unreadable_amount")
    if total is None and price is not None and quantity is not None:
        total = fit_money(price * quantity)
    _require(total is not None, "unreadable_amount")
    day = _date(texts["transaction_date"])
    _require(day is not None and _FIRST_DATE <= day <= _LAST_DATE, "unreadable_date")
    status = (texts["status"] or "").lower()
    _require(status in STATUSES, "unknown_status")
    ids = {name: texts[name] for name in ("transaction_id", "customer_id", "product_id")}
    return ids | read | {"total_amount": total, "transaction_date": day, "status": status}


def read_review(texts: Texts) -> Row:
    """A review out of the texts of its fields."""
    _require(texts["review_id"] is not None, "no_review_id")
    _require(texts["product_id"] is not None, "no_product_id")
    rating = as_bigint(texts["rating"])
    _require(rating is not None and 1 <= rating <= 5, "unreadable_rating")
    kept = {name: texts[name] for name in ("review_id", "product_id", "customer_id", "review_text")}
    return kept | {"rating": rating, "review_date": _date(texts["review_date"])}


def _read_entry(texts: Texts) -> Row:
    _require(texts["product_id"] is not None, "no_product_id")
    return dict(texts)


_READERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "transactions": ("transaction_id", _TRANSACTION_FIELDS),
    "reviews": ("review_id", _REVIEW_FIELDS),
    "products": ("product_id", _PRODUCT_FIELDS),
}


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise _Rejected(reason)


def _texts(row: RawRow, fields: Iterable[str]) -> Texts:
    """The fields of a raw row as texts; what means "nothing" in the seed is none."""
    _require(not (row["parse_error"] or "").startswith(_TOO_LARGE), "record_too_large")
    _require(row["payload_encoding"] == "utf8", "not_json_object")
    try:
        record = parse_json(row["payload"])
    except NotJson:
        record = None
    _require(isinstance(record, dict), "not_json_object")
    texts = {name: as_text(record.get(name)) for name in fields}
    nothing = _missing_texts()
    return {name: None if text in nothing else text for name, text in texts.items()}


def _date(text: str | None) -> date | None:
    microseconds = None if text is None else as_time(text)
    if microseconds is None:
        return None
    first, last = from_datetime(_datetime(date.min)), from_datetime(_datetime(date.max))
    return to_datetime(min(max(microseconds, first), last)).date()


def _datetime(day: date) -> Any:
    return to_datetime(0).combine(day, to_datetime(0).time())


@cache
def _missing_texts() -> frozenset[str]:
    with (PROJECT_ROOT / "seeds/missing_values.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return frozenset(row["missing_text"][1:-1] for row in rows if row["missing_for"] == "everything")


def _seed_rules() -> list[dict[str, str]]:
    with (PROJECT_ROOT / "seeds/customer_segment_rules.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class _Account:
    """Where every raw record went."""

    OUTCOMES = ("kept", "duplicates", "rejected", "superseded")

    def __init__(self) -> None:
        self._counts: dict[tuple[date, str, str], Counter[str]] = defaultdict(Counter)
        self._rejected: list[Row] = []

    def take(self, dataset: str, rows: Iterable[RawRow], read: Callable[[Texts], Row]) -> list[Row]:
        """The rows of a dataset that stay: of each id the newest copy; sorted by id."""
        name, fields = _READERS[dataset]
        rows = list(rows)
        newest_version: dict[str, tuple[Any, str]] = {}
        for row in rows:
            version = (believed_modified_at(row), row["source_etag"])
            newest_version[row["source_uri"]] = max(version, newest_version.get(row["source_uri"], version))
        copies: dict[str, list[tuple[Any, RawRow, Row]]] = defaultdict(list)
        for row in rows:
            if row["source_etag"] != newest_version[row["source_uri"]][1]:
                self._add(dataset, row, "superseded")
                continue
            try:
                found = read(_texts(row, fields))
            except _Rejected as rejection:
                self._reject(dataset, row, str(rejection))
                continue
            place = (believed_modified_at(row), row["source_uri"], row["source_position"])
            copies[found[name]].append((place, row, found))
        kept = []
        for record_id in sorted(copies):
            *older, newest = sorted(copies[record_id], key=lambda copy: copy[0])
            kept.append(newest[2])
            self._add(dataset, newest[1], "kept")
            for copy in older:
                self._add(dataset, copy[1], "duplicates")
        return kept

    def rejected(self) -> list[Row]:
        return sorted(
            self._rejected, key=lambda row: (row["dataset"], row["source_uri"], row["source_position"])
        )

    def rows(self) -> list[Row]:
        return [
            {"load_date": day, "dataset": dataset, "source": source, "raw_records": counts.total()}
            | {outcome: counts[outcome] for outcome in self.OUTCOMES}
            for (day, dataset, source), counts in sorted(self._counts.items())
        ]

    def _reject(self, dataset: str, row: RawRow, reason: str) -> None:
        self._add(dataset, row, "rejected")
        verbatim = ("payload", "payload_encoding", "parse_error", "source", "source_uri", "source_etag")
        envelope = {name: row[name] for name in (*verbatim, "source_position", "batch_id")}
        self._rejected.append({"dataset": dataset, **envelope, "rejection_reason": reason})

    def _add(self, dataset: str, row: RawRow, outcome: str) -> None:
        day = to_datetime(from_datetime(row["loaded_at"])).date()
        self._counts[day, dataset, row["source"]][outcome] += 1


# Marts ------------------------------------------------------------------------------------------------------


def rounded(value: Fraction | None, digits: int) -> Decimal | None:
    """An exact value to some digits, halves away from zero."""
    if value is None:
        return None
    units = abs(value) * 10**digits + Fraction(1, 2)
    whole = units.numerator // units.denominator
    return Decimal(whole if value >= 0 else -whole).scaleb(-digits).quantize(Decimal(1).scaleb(-digits))


def quotient(part: Any, whole: Any, digits: int = 4) -> Decimal | None:
    """part ÷ whole, rounded once; null for a whole of 0, and for what is no decimal(18, digits)."""
    result = rounded(Fraction(part) / Fraction(whole), digits) if whole else None
    return result if result is not None and abs(result) < 10 ** (18 - digits) else None


def _money(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _as_of(transactions: list[Row]) -> date | None:
    return max((row["transaction_date"] for row in transactions), default=None)


def _by(rows: Iterable[Row], *names: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)].append(row)
    return groups


def _total(rows: Iterable[Row]) -> Decimal:
    return _money(row["total_amount"] for row in rows)


def customer_lifetime_value(transactions: list[Row]) -> list[Row]:
    """One row per customer with a completed transaction."""
    result = []
    for customer_id, rows in sorted(_by(transactions, "customer_id").items()):
        orders = [row for row in rows if row["status"] == "completed"]
        returned = [row for row in rows if row["status"] in _RETURNED]
        if not orders:
            continue
        dates = [row["transaction_date"] for row in orders]
        result.append(
            {
                "customer_id": customer_id,
                "total_orders": len({row["transaction_id"] for row in orders}),
                "lifetime_value": _total(orders),
                "avg_order_value": quotient(_total(orders), len(orders), 2),
                "first_purchase": min(dates),
                "last_purchase": max(dates),
                "returned_orders": len(returned),
                "returned_amount": _total(returned),
            }
        )
    return result


def customer_segments(
    customers: list[Row], as_of: date | None, rules: Iterable[Mapping[str, str]]
) -> list[Row]:
    """One row per customer with a completed transaction: scores by rank, and the first rule that fits."""
    if as_of is None:
        return []
    recency = {row["customer_id"]: (as_of - row["last_purchase"]).days for row in customers}
    frequency = {row["customer_id"]: row["total_orders"] for row in customers}
    monetary = {row["customer_id"]: row["lifetime_value"] for row in customers}
    fifths = {
        "recency": _fifths(recency),
        "frequency": _fifths(frequency),
        "monetary": _fifths(monetary),
    }
    in_order = sorted(rules, key=lambda rule: int(rule["priority"]))
    result = []
    for customer_id in sorted(recency):
        scores = {
            "recency": 5 - fifths["recency"][customer_id],
            "frequency": 1 + fifths["frequency"][customer_id],
            "monetary": 1 + fifths["monetary"][customer_id],
        }
        result.append(
            {
                "customer_id": customer_id,
                "recency_days": recency[customer_id],
                "frequency": frequency[customer_id],
                "monetary": monetary[customer_id],
                **{f"{name}_score": score for name, score in scores.items()},
                "segment": next((rule["segment"] for rule in in_order if _fits(rule, scores)), None),
            }
        )
    return result


def _fifths(values: Mapping[str, Any]) -> dict[str, int]:
    """Of each customer the number, 0 to 4, of the fifth in which the customer's rank lies."""
    ranked = sorted(values.values())
    return {customer: 5 * ranked.index(value) // len(ranked) for customer, value in values.items()}


def _fits(rule: Mapping[str, str], scores: Mapping[str, int]) -> bool:
    return all(
        int(rule[f"min_{name}_score"] or 1) <= score <= int(rule[f"max_{name}_score"] or 5)
        for name, score in scores.items()
    )


def revenue_trends(transactions: list[Row]) -> list[Row]:
    """One row for every day from the first to the last transaction."""
    if not transactions:
        return []
    by_day = _by(transactions, "transaction_date")
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    revenue: dict[date, Decimal] = {}
    result = []
    for day in days:
        orders = [row for row in by_day.get(day, []) if row["status"] == "completed"]
        revenue[day] = _total(orders)
        week = list(revenue.values())[-_AVERAGE_DAYS:]
        before = revenue.get(day - _WEEK) if day - first >= _WEEK else None
        change = quotient(revenue[day] - before, before) if before is not None else None
        result.append(
            {
                "transaction_date": day,
                "revenue": revenue[day],
                "orders": len(orders),
                "units": sum(row["quantity"] or 0 for row in orders),
                "customers": len({row["customer_id"] for row in orders}),
                "avg_order_value": quotient(revenue[day], len(orders), 2),
                "revenue_7_day_average": quotient(sum(week), len(week), 2),
                "revenue_previous_week": before,
                "change_on_previous_week": change,
            }
        )
    return result


def return_rates(transactions: list[Row]) -> list[Row]:
    """One row per product of any transaction."""
    result = []
    for product_id, rows in sorted(_by(_with_product(transactions), "product_id").items()):
        returned = [row for row in rows if row["status"] in _RETURNED]
        result.append(
            {
                "product_id": product_id,
                "orders": len(rows),
                "returned_orders": len(returned),
                "return_rate": quotient(len(returned), len(rows)),
                "returned_amount": _total(returned),
            }
        )
    return result


def best_sellers(completed: list[Row], as_of: date | None, categories: Mapping[str, str | None]) -> list[Row]:
    """The ten products of each category with the most revenue, over all time and over 30 days."""
    first = as_of - timedelta(days=_PERIOD_DAYS - 1) if as_of else None
    recent = [row for row in completed if first and row["transaction_date"] >= first]
    result = []
    for period, rows in (("all_time", completed), ("last_30_days", recent)):
        ranked: dict[str, list[tuple[Decimal, str]]] = defaultdict(list)
        for product_id, orders in _by(_with_product(rows), "product_id").items():
            ranked[categories.get(product_id) or UNKNOWN].append((-_total(orders), product_id))
        for category in sorted(ranked):
            result += [
                {
                    "period": period,
                    "category": category,
                    "rank": rank,
                    "product_id": product_id,
                    "revenue": -lost,
                }
                for rank, (lost, product_id) in enumerate(sorted(ranked[category])[:_BEST], start=1)
            ]
    return result


def revenue_by_category(completed: list[Row], categories: Mapping[str, str | None]) -> list[Row]:
    """One row per day and category that sold."""
    groups: dict[tuple[date, str], list[Row]] = defaultdict(list)
    for row in completed:
        groups[row["transaction_date"], categories.get(row["product_id"]) or UNKNOWN].append(row)
    return [
        {
            "transaction_date": day,
            "category": category,
            "revenue": _total(rows),
            "orders": len(rows),
            "units": sum(row["quantity"] or 0 for row in rows),
        }
        for (day, category), rows in sorted(groups.items())
    ]


def product_ratings(reviews: list[Row]) -> list[Row]:
    """One row per product with a review."""
    result = []
    for product_id, rows in sorted(_by(reviews, "product_id").items()):
        ratings = [row["rating"] for row in rows]
        dates = [row["review_date"] for row in rows if row["review_date"] is not None]
        result.append(
            {
                "product_id": product_id,
                "reviews": len(ratings),
                "average_rating": quotient(sum(ratings), len(ratings), 2),
                "one_star_share": quotient(ratings.count(1), len(ratings)),
                "five_star_share": quotient(ratings.count(5), len(ratings)),
                "last_review_date": max(dates, default=None),
            }
        )
    return result


def _with_product(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["product_id"] is not None]
