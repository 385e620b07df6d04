"""Hand-worked cases for the independent computation of the shop's tables: a small table per rule."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from oracle.commerce import Commerce, Row, compute_commerce, quotient, rounded
from oracle.records import RawRow

MODIFIED = datetime(2026, 3, 1)
SALE = {
    "transaction_id": "t1",
    "customer_id": "c1",
    "product_id": "p1",
    "quantity": "1",
    "price": "10",
    "total_amount": "10",
    "transaction_date": "2026-01-01",
    "status": "completed",
}
REVIEW = {
    "review_id": "r1",
    "product_id": "p1",
    "customer_id": "c1",
    "rating": "5",
    "review_date": "2026-01-01",
}


def raw(record: Any, uri: str = "a", position: int = 0, hours: int = 0, **columns: Any) -> RawRow:
    """A raw row; text is taken as the payload itself, anything else is written as JSON."""
    row = {
        "payload": record if isinstance(record, str) else json.dumps(record),
        "payload_encoding": "utf8",
        "parse_error": None,
        "source": "historical",
        "source_uri": uri,
        "source_etag": "v1",
        "source_position": position,
        "source_modified_at": MODIFIED + timedelta(hours=hours),
        "batch_id": "b1",
        "loaded_at": datetime(2026, 3, 2, 23, 59),
    }
    return row | columns


def rows_of(records: Iterable[Any]) -> list[RawRow]:
    return [raw(record, position=position) for position, record in enumerate(records)]


def sales(*changes: dict[str, Any]) -> Commerce:
    """The tables of transactions t0, t1 …, each SALE with changes."""
    records = [SALE | {"transaction_id": f"t{number}"} | change for number, change in enumerate(changes)]
    return compute_commerce(rows_of(records), [], [])


def pick(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in rows]


def money(text: str) -> Decimal:
    return Decimal(text)


# Records ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transaction_id": " "}, "no_transaction_id"),
        ({"transaction_id": None, "customer_id": None}, "no_transaction_id"),
        ({"customer_id": "NULL"}, "no_customer_id"),
        ({"quantity": "two"}, "unreadable_amount"),
        ({"price": "free"}, "unreadable_amount"),
        ({"total_amount": "1,00"}, "unreadable_amount"),
        ({"total_amount": "", "price": ""}, "unreadable_amount"),
        ({"total_amount": "", "quantity": None}, "unreadable_amount"),
        ({"total_amount": "1e99"}, "unreadable_amount"),
        ({"total_amount": None, "price": "9e15", "quantity": "9"}, "unreadable_amount"),
        ({"transaction_date": "01.02.2026"}, "unreadable_date"),
        ({"transaction_date": ""}, "unreadable_date"),
        ({"status": ""}, "unknown_status"),
        ({"status": "shipped"}, "unknown_status"),
    ],
)
def test_a_transaction_is_rejected(change: dict[str, Any], reason: str) -> None:
    shop = sales(change)
    assert pick(shop.rejected_commerce, "dataset", "rejection_reason") == [("transactions", reason)]
    assert shop.fct_transactions == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"total_amount": money("10.00")}),
        ({"total_amount": "7"}, {"total_amount": money("7.00"), "price": money("10.00")}),
        ({"total_amount": "", "quantity": "3", "price": "0.335"}, {"total_amount": money("1.02")}),
        ({"total_amount": "NULL", "quantity": 2.0}, {"total_amount": money("20.00"), "quantity": 2}),
        ({"quantity": "", "price": ""}, {"quantity": None, "price": None}),
        ({"status": " Returned "}, {"status": "returned"}),
        ({"product_id": "undefined"}, {"product_id": None}),
        ({"transaction_date": "2026-01-01T23:30:00-01:00"}, {"transaction_date": date(2026, 1, 2)}),
        ({"transaction_date": 1767225600}, {"transaction_date": date(2026, 1, 1)}),
    ],
)
def test_a_transaction_is_read(change: dict[str, Any], expected: Row) -> None:
    [row] = sales(change).fct_transactions
    assert row | expected == row


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (raw("review_id,rating"), "not_json_object"),
        (raw('["r1"]'), "not_json_object"),
        (raw("//57", payload_encoding="base64"), "not_json_object"),
        (raw('{"review_id":"', parse_error="record too large: 9000000 bytes"), "record_too_large"),
        (raw(REVIEW | {"review_id": ""}), "no_review_id"),
        (raw(REVIEW | {"product_id": None}), "no_product_id"),
        (raw(REVIEW | {"rating": "0"}), "unreadable_rating"),
        (raw(REVIEW | {"rating": "4.5"}), "unreadable_rating"),
        (raw(REVIEW | {"rating": None}), "unreadable_rating"),
        (raw(REVIEW | {"rating": "4.0", "customer_id": "", "review_date": "soon"}), None),
    ],
)
def test_a_review_is_read_or_rejected(row: RawRow, reason: str | None) -> None:
    shop = compute_commerce([], [row], [])
    assert pick(shop.rejected_commerce, "rejection_reason") == ([(reason,)] if reason else [])
    if not reason:
        assert pick(shop.fct_reviews, "rating", "customer_id", "review_date") == [(4, None, None)]


def test_the_newest_copy_stays_and_all_are_accounted_for() -> None:
    transactions = [
        raw(SALE, "z"),
        raw(SALE | {"status": "returned"}, "a", hours=1),
        raw(SALE | {"status": "lost"}, "b", hours=2),
        raw(SALE | {"transaction_id": "t2"}, "c", 0),
        raw(SALE | {"transaction_id": "t2", "customer_id": "c2"}, "c", 1),
        raw(SALE | {"transaction_id": "t3"}, "d", source_etag="v1"),
        raw("broken", "d", 1, source_etag="v1"),
        raw(SALE | {"transaction_id": "t4"}, "d", hours=1, source_etag="v0", source="firehose"),
    ]
    shop = compute_commerce(transactions, [], [])
    assert pick(shop.fct_transactions, "transaction_id", "status", "customer_id") == [
        ("t1", "returned", "c1"),
        ("t2", "completed", "c2"),
        ("t4", "completed", "c1"),
    ]
    columns = ("load_date", "source", "raw_records", "kept", "duplicates", "rejected", "superseded")
    assert pick(shop.commerce_reconciliation, *columns) == [
        (date(2026, 3, 2), "firehose", 1, 1, 0, 0, 0),
        (date(2026, 3, 2), "historical", 7, 2, 2, 1, 2),
    ]


# Marts ------------------------------------------------------------------------------------------------------


def test_quotients_are_rounded_half_away_from_zero() -> None:
    assert quotient(1, 160) == Decimal("0.0063")
    assert quotient(-1, 160) == Decimal("-0.0063")
    assert quotient(Decimal("10.01"), 2, 2) == Decimal("5.01")
    assert quotient(1, 0) is None
    assert quotient(Decimal("9e15"), Decimal("0.01")) is None
    assert str(rounded(Fraction(2, 3), 2)) == "0.67"


def test_customer_lifetime_value() -> None:
    shop = sales(
        {"total_amount": "10.00", "transaction_date": "2026-01-02"},
        {"total_amount": "0.01"},
        {"total_amount": "3", "status": "returned", "transaction_date": "2026-02-01"},
        {"total_amount": "4", "status": "refunded"},
        {"customer_id": "c2", "status": "returned"},
    )
    assert shop.customer_lifetime_value == [
        {
            "customer_id": "c1",
            "total_orders": 2,
            "lifetime_value": money("10.01"),
            "avg_order_value": money("5.01"),
            "first_purchase": date(2026, 1, 1),
            "last_purchase": date(2026, 1, 2),
            "returned_orders": 2,
            "returned_amount": money("7.00"),
        }
    ]


def test_customer_segments() -> None:
    """Six customers c1 to c6: ranks of recency 1 1 3 4 5 6, frequency 5 5 1 1 1 1, monetary 2 5 4 3 6 1."""
    customers = [
        # customer, orders, amount of each, last day of January 2026
        ("c1", 2, "5", 31),
        ("c2", 2, "45", 31),
        ("c3", 1, "50", 21),
        ("c4", 1, "20", 11),
        ("c5", 1, "95", 2),
        ("c6", 1, "5", 1),
    ]
    changes = [
        {"customer_id": customer, "total_amount": amount, "transaction_date": f"2026-01-{day:02}"}
        for customer, orders, amount, day in customers
        for _ in range(orders)
    ]
    # Nobody's last purchase, but it is the day as of which recency counts.
    changes.append({"customer_id": "c9", "status": "returned", "transaction_date": "2026-02-01"})
    columns = ("customer_id", "recency_days", "recency_score", "frequency_score", "monetary_score", "segment")
    assert pick(sales(*changes).customer_segments, *columns) == [
        ("c1", 1, 5, 4, 1, "loyal"),
        ("c2", 1, 5, 4, 4, "champions"),
        ("c3", 11, 4, 1, 3, "new"),
        ("c4", 21, 3, 1, 2, "regular"),
        ("c5", 30, 2, 1, 5, "big_spenders"),
        ("c6", 31, 1, 1, 1, "lost"),
    ]


def test_revenue_trends() -> None:
    shop = sales(
        {"total_amount": "10.01", "quantity": 3},
        {"transaction_date": "2026-01-03", "status": "returned"},
        {"total_amount": "4", "transaction_date": "2026-01-08", "quantity": "", "price": ""},
        {"total_amount": "5", "transaction_date": "2026-01-10"},
        {"total_amount": "6", "transaction_date": "2026-01-10", "customer_id": "c2"},
    )
    trends = shop.revenue_trends
    assert [row["transaction_date"].day for row in trends] == list(range(1, 11))
    averages = ["10.01", "5.01", "3.34", "2.50", "2.00", "1.67", "1.43", "0.57", "0.57", "2.14"]
    assert [str(row["revenue_7_day_average"]) for row in trends] == averages
    columns = ("orders", "units", "customers", "avg_order_value", "revenue_previous_week")
    assert pick(trends, *columns, "change_on_previous_week")[7:] == [
        (1, 0, 1, money("4.00"), money("10.01"), Decimal("-0.6004")),
        (0, 0, 0, None, money("0.00"), None),
        (2, 2, 2, money("5.50"), money("0.00"), None),
    ]
    assert trends[6]["revenue_previous_week"] is None


def test_return_rates() -> None:
    shop = sales({}, {"status": "returned"}, {"status": "refunded", "total_amount": "2"}, {"product_id": ""})
    assert shop.return_rates == [
        {
            "product_id": "p1",
            "orders": 3,
            "returned_orders": 2,
            "return_rate": Decimal("0.6667"),
            "returned_amount": money("12.00"),
        }
    ]


def test_best_sellers_and_categories() -> None:
    products = [
        raw({"product_id": "p1", "category": "old"}, "p", 0),
        raw({"product_id": "p1", "category": "a"}, "p", 1),
        raw({"product_id": "p2", "category": "a"}, "p", 2),
    ]
    changes = [
        {"transaction_date": "2026-01-02", "total_amount": "8"},
        {"transaction_date": "2026-01-03", "total_amount": "1"},
        {"transaction_date": "2026-01-03", "total_amount": "9", "product_id": "p2"},
        {"transaction_date": "2026-01-02", "total_amount": "1", "product_id": "p3"},
        {"transaction_date": "2026-01-03", "total_amount": "2", "product_id": None, "quantity": 4},
        {"transaction_date": "2026-02-01", "product_id": "p4", "status": "returned"},
    ]
    records = [SALE | {"transaction_id": f"t{number}"} | change for number, change in enumerate(changes)]
    shop = compute_commerce(rows_of(records), [], products)
    assert pick(shop.best_sellers, "period", "category", "rank", "product_id", "revenue") == [
        ("all_time", "(unknown)", 1, "p3", money("1.00")),
        ("all_time", "a", 1, "p1", money("9.00")),
        ("all_time", "a", 2, "p2", money("9.00")),
        ("last_30_days", "a", 1, "p2", money("9.00")),
        ("last_30_days", "a", 2, "p1", money("1.00")),
    ]
    assert pick(shop.revenue_by_category, "transaction_date", "category", "revenue", "orders", "units") == [
        (date(2026, 1, 2), "(unknown)", money("1.00"), 1, 1),
        (date(2026, 1, 2), "a", money("8.00"), 1, 1),
        (date(2026, 1, 3), "(unknown)", money("2.00"), 1, 4),
        (date(2026, 1, 3), "a", money("10.00"), 2, 2),
    ]


def test_ten_best_sellers_at_most() -> None:
    shop = sales(*({"product_id": f"p{number:02}", "total_amount": 1 + number % 2} for number in range(12)))
    ranked = [row["product_id"] for row in shop.best_sellers if row["period"] == "all_time"]
    assert ranked == ["p01", "p03", "p05", "p07", "p09", "p11", "p00", "p02", "p04", "p06"]


def test_product_ratings() -> None:
    reviews = [
        REVIEW | {"review_id": f"r{number}", "rating": rating, "review_date": f"2026-01-0{number + 1}"}
        for number, rating in enumerate((5, 5, 1, 4, 4, 3))
    ]
    reviews.append(REVIEW | {"review_id": "r9", "product_id": "p2", "rating": 2, "review_date": ""})
    columns = (
        "product_id",
        "reviews",
        "average_rating",
        "one_star_share",
        "five_star_share",
        "last_review_date",
    )
    assert pick(compute_commerce([], rows_of(reviews), []).product_ratings, *columns) == [
        ("p1", 6, Decimal("3.67"), Decimal("0.1667"), Decimal("0.3333"), date(2026, 1, 6)),
        ("p2", 1, Decimal("2.00"), Decimal("0.0000"), Decimal("0.0000"), None),
    ]
