"""What some of the queries in `analyses/` must answer, in plain Python over the rows of facts.

Above all those that documents print. It knows no SQL, and of the project's tables only facts and dimensions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle.event_marts.growth import daily_cohort_analysis
from oracle.event_marts.inputs import PAGE_VIEWS, Facts, Row, Settings
from oracle.event_marts.numbers import (
    MICROSECONDS_PER_SECOND,
    average,
    greatest,
    microseconds_between,
    ratio,
    rounded,
    week_of,
)
from oracle.event_marts.people import People
from oracle.event_marts.tours import daily_space_engagement

_FUNNEL = {
    "page_view": "views",
    "product_view": "views",
    "add_to_cart": "add_to_carts",
    "purchase": "purchases",
}


@dataclass(frozen=True)
class Lake:
    """Rows of the lake, of all time."""

    facts: Facts
    products: list[Row]
    """dim_products"""
    users: list[Row]
    """dim_users"""


def answers(lake: Lake, analysis_date: date | None) -> dict[str, list[Row]]:
    """The rows of each query, in their order.

    Args:
        lake: what is asked.
        analysis_date: the day with which the last days end; None: with the latest of the table that is asked.
    """
    asked = _Asked(lake, analysis_date)
    return {
        "top_products_by_revenue": asked.top_products_by_revenue(),
        "customer_ltv": asked.customer_ltv(),
        "weekly_revenue_trend": asked.weekly_revenue_trend(),
        "event_conversion_funnel": asked.event_conversion_funnel(),
        "product_conversion_funnel": asked.product_conversion_funnel(),
        "most_viewed_products": asked.most_viewed_products(),
        "latest_hourly_revenue": asked.latest_hourly_revenue(),
        "category_engagement": asked.category_engagement(),
        "daily_active_users": asked.daily_active_users(),
        "clicks_per_user": asked.clicks_per_user(),
        "devices_and_countries": asked.devices_and_countries(),
        "weekly_cohort_retention": asked.weekly_cohort_retention(),
        "journey_engagement": asked.journey_engagement(),
        "most_engaging_spaces": asked.most_engaging_spaces(),
    }


class _Asked:
    """A lake, and the day with which its last days end."""

    def __init__(self, lake: Lake, analysis_date: date | None) -> None:
        self.facts, self.products, self.users = lake.facts, lake.products, lake.users
        self.people = People(lake.facts)
        self.analysis_date = analysis_date

    def last_days(self, rows: Iterable[Row], column: str, days: int, table: Iterable[Row]) -> list[Row]:
        """Those of the rows that lie in the last days; `table`: the rows whose latest day is the last one."""
        last = self.analysis_date or max(row[column] for row in table)
        return [row for row in rows if last - timedelta(days=days) < row[column] <= last]

    def last_events(self, days: int) -> list[Row]:
        return self.last_days(self.people.events, "event_date", days, self.facts.events)

    def last_sessions(self, days: int) -> list[Row]:
        return self.last_days(self.people.sessions, "session_date", days, self.facts.sessions)

    def completed(self) -> list[Row]:
        return [row for row in self.facts.transactions if row["status"] == "completed"]

    def top_products_by_revenue(self) -> list[Row]:
        catalog = {product["product_id"]: product for product in self.products}
        sales = self.last_days(self.completed(), "transaction_date", 30, self.facts.transactions)
        rows = [
            {
                "name": name,
                "category": category,
                "total_revenue": _money(found, "total_amount"),
                "order_count": len(found),
            }
            for (name, category), found in _groups(
                [sale for sale in sales if sale["product_id"] in catalog],
                lambda sale: tuple(catalog[sale["product_id"]][column] for column in ("name", "category")),
            )
        ]
        return _ordered(rows, "-total_revenue", "name", "category")[:10]

    def customer_ltv(self) -> list[Row]:
        rows = []
        for customer, sales in _groups(self.completed(), lambda sale: sale["customer_id"]):
            days = [sale["transaction_date"] for sale in sales]
            rows.append(
                {
                    "customer_id": customer,
                    "total_orders": len(sales),
                    "lifetime_value": _money(sales, "total_amount"),
                    "avg_order_value": average((sale["total_amount"] for sale in sales), 2),
                    "first_purchase": min(days),
                    "last_purchase": max(days),
                }
            )
        return _ordered(rows, "-lifetime_value", "customer_id")[:100]

    def weekly_revenue_trend(self) -> list[Row]:
        days = [sale["transaction_date"] for sale in self.facts.transactions]
        sales = dict(_groups(self.completed(), lambda sale: week_of(sale["transaction_date"])))
        rows, previous = [], None
        week = week_of(min(days))
        while week <= max(days):
            found = sales.get(week, [])
            revenue = _money(found, "total_amount")
            rows.append(
                {
                    "week_start_date": week,
                    "revenue": revenue,
                    "orders": len(found),
                    "units": sum(sale["quantity"] or 0 for sale in found),
                    "avg_order_value": average((sale["total_amount"] for sale in found), 2),
                    "revenue_previous_week": previous,
                    "change_on_previous_week": ratio(revenue - previous, previous) if previous else None,
                }
            )
            previous, week = revenue, week + timedelta(days=7)
        return rows

    def event_conversion_funnel(self) -> list[Row]:
        actions = Counter(event["event_action"] for event in self.last_events(7))
        views = sum(actions[action] for action in PAGE_VIEWS)
        return [
            {
                "page_views": views,
                "product_views": actions["product_view"],
                "add_to_carts": actions["add_to_cart"],
                "purchases": actions["purchase"],
                "conversion_rate": rounded(Fraction(100 * actions["purchase"], views), 2) if views else None,
            }
        ]

    def product_conversion_funnel(self) -> list[Row]:
        return _ordered(self._products(), "-views", "product_id")[:10]

    def most_viewed_products(self) -> list[Row]:
        viewed = [row for row in self._products() if row["views"]]
        return [
            {
                "rank": rank,
                "product_id": row["product_id"],
                "category": row["category"],
                "view_count": row["views"],
            }
            for rank, row in enumerate(_ordered(viewed, "-views", "product_id")[:10], start=1)
        ]

    def _products(self) -> list[Row]:
        lines = [line for line in self.facts.lines if not line["is_bot"] and line["product_id"] is not None]
        rows = []
        for product, found in _groups(lines, lambda line: line["product_id"]):
            steps = Counter(_FUNNEL.get(line["event_action"]) for line in found)
            views, carts, purchases = (steps[step] for step in ("views", "add_to_carts", "purchases"))
            rows.append(
                {
                    "product_id": product,
                    "category": greatest(line["category"] for line in found),
                    "views": views,
                    "add_to_carts": carts,
                    "purchases": purchases,
                    "view_to_cart_conversion": ratio(carts, views),
                    "view_to_purchase_conversion": ratio(purchases, views),
                    "cart_to_purchase_conversion": ratio(purchases, carts),
                }
            )
        return rows

    def latest_hourly_revenue(self) -> list[Row]:
        purchases = [event for event in self.people.events if event["event_action"] == "purchase"]
        hours = _groups(purchases, lambda event: (event["event_date"], event["event_timestamp"].hour))
        rows = [
            {
                "event_date": day,
                "event_hour": hour,
                "total_revenue": _money(found, "revenue"),
                "transaction_count": len(found),
            }
            for (day, hour), found in hours
        ]
        return _ordered(rows, "-event_date", "-event_hour")[:10]

    def category_engagement(self) -> list[Row]:
        named: dict[tuple, set[str | None]] = defaultdict(set)
        for row in (*self.people.events, *(line for line in self.facts.lines if not line["is_bot"])):
            named[row["event_id"], row["visitor_id"], row["event_date"]].add(row["category"])
        counts = Counter((day, category) for (*_, day), found in named.items() for category in found - {None})
        rows = [
            {"event_date": day, "category": category, "event_count": count}
            for (day, category), count in counts.items()
        ]
        return _ordered(self.last_days(rows, "event_date", 7, rows), "event_date", "category")

    def daily_active_users(self) -> list[Row]:
        events = self.last_days(self.people.events, "event_date", 30, self.people.events)
        rows = [
            {
                "event_date": day,
                "unique_users": len({event["visitor_id"] for event in found}),
                "unique_sessions": len({event["session_id"] for event in found}),
            }
            for day, found in _groups(events, lambda event: event["event_date"])
        ]
        return _ordered(rows, "event_date")

    def clicks_per_user(self) -> list[Row]:
        country = {user["person_id"]: user["country"] for user in self.users}
        clicks = Counter((self.people.person(event), event["event_date"]) for event in self.last_events(30))
        rows = [
            {
                "country": country.get(person),
                "user_id": person,
                "clicks_per_user": count,
                "click_date": day,
            }
            for (person, day), count in clicks.items()
        ]
        return _ordered(rows, "-clicks_per_user", "user_id", "click_date")

    def devices_and_countries(self) -> list[Row]:
        rows = [
            {
                "device_type": device,
                "country": country,
                "sessions": len(found),
                "visitors": len({session["visitor_id"] for session in found}),
                "conversion_rate": ratio(sum(session["is_converted"] for session in found), len(found)),
                "revenue": _money(found, "revenue"),
            }
            for (device, country), found in _groups(
                self.last_sessions(30), lambda session: (session["device_type"], session["country"])
            )
        ]
        return _ordered(rows, "-sessions", "device_type", "country")

    def weekly_cohort_retention(self) -> list[Row]:
        table = daily_cohort_analysis(self.people, Settings())
        columns = ("cohort_week", "weeks_since_first_visit", "retention_rate")
        rows = self.last_days(table, "analysis_date", 1, table)
        return [{column: row[column] for column in columns} for row in _ordered(rows, *columns[:2])]

    def journey_engagement(self) -> list[Row]:
        rows = []
        for (journey, tier), found in _groups(
            self.last_sessions(7), lambda session: (session["journey_type"], session["engagement_tier"])
        ):
            durations = [
                microseconds_between(session["session_start_at"], session["session_end_at"])
                for session in found
            ]
            rows.append(
                {
                    "journey_type": journey,
                    "engagement_tier": tier,
                    "sessions": len(found),
                    "avg_duration": rounded(
                        Fraction(sum(durations), 60 * MICROSECONDS_PER_SECOND * len(found)), 2
                    ),
                    "conversion_rate": ratio(sum(session["is_converted"] for session in found), len(found)),
                }
            )
        return _ordered(rows, "-sessions", "journey_type", "engagement_tier")

    def most_engaging_spaces(self) -> list[Row]:
        table = daily_space_engagement(self.people)
        columns = ("space_name", "space_type", "unique_sessions", "avg_time_on_space", "views_per_session")
        rows = [
            {column: row[column] for column in columns}
            for row in self.last_days(table, "analysis_date", 1, table)
        ]
        order = ("-avg_time_on_space", "-unique_sessions", "space_name", "space_type", "-views_per_session")
        return _ordered(rows, *order)[:10]


def _groups(rows: Iterable[Row], key: Callable[[Row], Any]) -> list[tuple[Any, list[Row]]]:
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return list(groups.items())


def _money(rows: Iterable[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), Decimal("0.00"))


def _ordered(rows: list[Row], *columns: str) -> list[Row]:
    """Sorted by columns, of which the first counts most; `-` before a name: downwards. Null comes last."""
    for column in reversed(columns):
        name, downwards = column.removeprefix("-"), column.startswith("-")
        known = [row for row in rows if row[name] is not None]
        unknown = [row for row in rows if row[name] is None]
        rows = sorted(known, key=lambda row: row[name], reverse=downwards) + unknown
    return rows
