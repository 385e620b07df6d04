"""Metrics of the semantic models against plain Python over facts, and against marts."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from metric_queries import Metrics
from warehouse import Warehouse

DAY = "metric_time__day"
VIEWS = {"page_view", "screen_view", "space_view"}

# Marts that metrics, grouped, come to: mart, its key by dimension, its columns by metric.
MARTS: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    (
        "daily_kpis",
        {DAY: "event_date"},
        {
            "sessions": "sessions",
            "visitors": "visitors",
            "page_views": "page_views",
            "purchases": "purchases",
            "event_revenue": "event_revenue",
            "orders": "orders",
            "transaction_revenue": "transaction_revenue",
            "conversion_rate": "conversion_rate",
            "average_score": "average_score",
            "bot_share": "bot_share",
        },
    ),
    (
        "user_journey_analysis",
        {
            DAY: "analysis_date",
            "session__journey_type": "journey_type",
            "session__engagement_tier": "engagement_tier",
        },
        {"sessions": "sessions", "conversion_rate": "conversion_rate"},
    ),
    (
        "revenue_trends",
        {DAY: "transaction_date"},
        {
            "transaction_revenue": "revenue",
            "orders": "orders",
            "units": "units",
            "customers": "customers",
            "average_order_value": "avg_order_value",
        },
    ),
    (
        "return_rates",
        {"product": "product_id"},
        {
            "all_orders": "orders",
            "returned_orders": "returned_orders",
            "return_rate": "return_rate",
            "returned_amount": "returned_amount",
        },
    ),
    (
        "revenue_by_category",
        {DAY: "transaction_date", "product__category": "category"},
        {"transaction_revenue": "revenue", "orders": "orders", "units": "units"},
    ),
    (
        "customer_lifetime_value",
        {"customer": "customer_id"},
        {
            "orders": "total_orders",
            "transaction_revenue": "lifetime_value",
            "average_order_value": "avg_order_value",
        },
    ),
    (
        "product_ratings",
        {"product": "product_id"},
        {"reviews": "reviews", "average_rating": "average_rating"},
    ),
    (
        "retention_daily",
        {DAY: "cohort_date", "cohort_day__days_since_first_visit": "days_since_first_visit"},
        {
            "cohort_visitors": "cohort_size",
            "retained_visitors": "retained_users",
            "retention_rate": "retention_rate",
        },
    ),
    ("user_activity", {DAY: "event_date"}, {"visitors": "unique_users", "new_visitors": "new_users"}),
)


def assert_metrics_equal(warehouse: Warehouse) -> None:
    """All metrics are valid and have values: those of plain Python over facts, and those of marts."""
    with warehouse.connect() as lake:
        metrics = Metrics(warehouse, lake)
        assert metrics.problems() == []
        values = metrics.values()
        expected = over_facts(warehouse)
        found = {name: values[name] for name in expected}
        assert all(is_close(found[name], expected[name]) for name in expected), (found, expected)
        assert_ratios_are_quotients(metrics, values)
        for mart, key, columns in MARTS:
            compare_with_mart(warehouse, metrics, mart, key, columns)


def over_facts(warehouse: Warehouse) -> dict[str, Any]:
    """The main metrics over all time, from the rows of facts."""
    columns = "event_date, event_action, visitor_id, revenue, data_quality_score, is_bot"
    all_events = warehouse.rows("analytics.fct_web_events", columns)
    events = [row for row in all_events if not row["is_bot"]]
    visits = {(row["visitor_id"], row["event_date"]) for row in events}
    sessions = [row for row in warehouse.rows("analytics.fct_sessions") if not row["is_bot"]]
    transactions = warehouse.rows("analytics.fct_transactions")
    orders = [row for row in transactions if row["status"] == "completed"]
    revenue = sum(row["total_amount"] for row in orders)
    converted = [row for row in sessions if row["is_converted"]]
    event_revenue = sum(row["revenue"] for row in events if row["event_action"] == "purchase")
    return {
        "events": len(events),
        "visitors": len({row["visitor_id"] for row in events}),
        "page_views": sum(row["event_action"] in VIEWS for row in events),
        "purchases": sum(row["event_action"] == "purchase" for row in events),
        "event_revenue": event_revenue,
        "event_revenue_per_session": event_revenue / len(sessions),
        "average_score": sum(row["data_quality_score"] for row in events) / len(events),
        "bot_share": (len(all_events) - len(events)) / len(all_events),
        "sessions": len(sessions),
        "conversion_rate": len(converted) / len(sessions),
        "bounce_rate": sum(row["event_count"] == 1 for row in sessions) / len(sessions),
        "average_session_seconds": sum(row["duration_seconds"] for row in sessions) / len(sessions),
        "orders": len(orders),
        "transaction_revenue": revenue,
        "average_order_value": revenue / len(orders),
        "customers": len({row["customer_id"] for row in orders}),
        "return_rate": (len(transactions) - len(orders)) / len(transactions),
        "retention_rate_day_1": next_day_retention(visits),
    }


def next_day_retention(visits: set[tuple[str, date]]) -> float:
    """The share of visitors who came on the day after their first, of those whose next day can be known."""
    first: dict[str, date] = {}
    for visitor, day in visits:
        first[visitor] = min(day, first.get(visitor, day))
    last = max(day for _, day in visits)
    known = {(visitor, day + timedelta(days=1)) for visitor, day in first.items() if day < last}
    return len(known & visits) / len(known)


def assert_ratios_are_quotients(metrics: Metrics, values: dict[str, Any]) -> None:
    """Each ratio without a filter is that of its two metrics, a share is one, and the others have values."""
    for metric in metrics.manifest.metrics:
        value = values[metric.name]
        if metric.description.startswith("The share"):
            assert value is None or 0 <= value <= 1, metric.name
        if metric.type.value != "ratio":
            assert value is not None, metric.name
        elif metric.filter is None:
            part = values[metric.type_params.numerator.name]
            whole = values[metric.type_params.denominator.name]
            assert whole, f"{metric.name}: nothing to compare"
            assert is_close(value, float(part) / float(whole)), metric.name


def compare_with_mart(
    warehouse: Warehouse, metrics: Metrics, mart: str, key: dict[str, str], columns: dict[str, str]
) -> None:
    """Compare metrics, grouped by the mart's key, with its columns; no row is as good as one of nothing."""
    ours = {tuple(row[name] for name in key.values()): row for row in warehouse.rows(f"analytics.{mart}")}
    assert ours, f"{mart} is empty"
    theirs = {tuple(key_value(row[name]) for name in key): row for row in metrics.rows(list(columns), key)}
    for place in ours.keys() | theirs.keys():
        for metric, column in columns.items():
            one, other = ours.get(place, {}).get(column), theirs.get(place, {}).get(metric)
            assert is_rounded(one, other), f"{mart} of {place}: {column} is {one}, metric {metric} {other}"


def key_value(value: Any) -> Any:
    """A value of a dimension as marts have it: days as dates, `(unknown)` for what is not known."""
    if value is None:
        return "(unknown)"
    return value.date() if isinstance(value, datetime) else value


def is_rounded(ours: Any, theirs: Any) -> bool:
    """Whether a mart's value is the metric's, rounded as the mart has it; nothing is as much as 0."""
    places = -ours.as_tuple().exponent if isinstance(ours, Decimal) else 0
    return abs(float(ours or 0) - float(theirs or 0)) <= 0.5 * 10**-places * (places > 0) + 1e-9


def is_close(one: Any, other: Any) -> bool:
    """Whether two numbers are equal but for the last digits of a double."""
    return math.isclose(float(one), float(other), rel_tol=1e-9)
