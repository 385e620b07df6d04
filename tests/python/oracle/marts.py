"""The marts that count events and what they are about. They get the events without bots."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from oracle.records import Event, Position
from oracle.values import ratio
from oracle.visits import Session

Row = dict[str, Any]

_VIEWS = ("page_view", "product_view")
_FUNNEL_STEP = dict.fromkeys(_VIEWS, "views") | {"add_to_cart": "add_to_carts", "purchase": "purchases"}
_TOP = 10


def conversion_funnel(events: Iterable[Event]) -> list[Row]:
    """One row per product that a line of any event names."""
    steps: dict[str, Counter[str]] = defaultdict(Counter)
    categories: dict[str, set[str]] = defaultdict(set)
    for event in events:
        for line in event.lines:
            if line.product_id is None:
                continue
            steps[line.product_id][_FUNNEL_STEP.get(event.event_action or "", "other")] += 1
            if line.category is not None:
                categories[line.product_id].add(line.category)
    return [
        _funnel_row(product_id, max(categories[product_id], default=None), steps[product_id])
        for product_id in sorted(steps)
    ]


def _funnel_row(product_id: str, category: str | None, steps: Counter[str]) -> Row:
    views, add_to_carts, purchases = steps["views"], steps["add_to_carts"], steps["purchases"]
    return {
        "product_id": product_id,
        "category": category,
        "views": views,
        "add_to_carts": add_to_carts,
        "purchases": purchases,
        "view_to_cart_conversion": ratio(add_to_carts, views),
        "view_to_purchase_conversion": ratio(purchases, views),
        "cart_to_purchase_conversion": ratio(purchases, add_to_carts),
    }


def top_products(funnel: list[Row]) -> list[Row]:
    viewed = sorted(
        (row for row in funnel if row["views"]), key=lambda row: (-row["views"], row["product_id"])
    )
    return [
        {
            "rank": rank,
            "product_id": row["product_id"],
            "category": row["category"],
            "view_count": row["views"],
        }
        for rank, row in enumerate(viewed[:_TOP], start=1)
    ]


def hourly_revenue(events: Iterable[Event]) -> list[Row]:
    revenues: dict[tuple[date, int], list[Decimal]] = defaultdict(list)
    for event in events:
        if event.revenue is not None:
            revenues[event.event_date, event.event_timestamp.hour].append(event.revenue)
    return [
        {
            "event_date": day,
            "event_hour": hour,
            "total_revenue": sum(amounts, Decimal("0.00")),
            "transaction_count": len(amounts),
        }
        for (day, hour), amounts in sorted(revenues.items())
    ]


def event_products(events: Iterable[Event], bots: Set[Position]) -> list[Row]:
    """One row per event and line, of bots too."""
    return [
        {
            "source_uri": event.source_uri,
            "source_position": event.source_position,
            "line_number": number,
            "visitor_id": event.visitor_id,
            "event_date": event.event_date,
            "event_timestamp": event.event_timestamp,
            "event_action": event.event_action,
            "is_bot": event.position in bots,
        }
        | asdict(line)
        for event in events
        for number, line in enumerate(event.lines)
    ]


def category_performance(events: Iterable[Event]) -> list[Row]:
    counts = Counter(
        (event.event_date, category)
        for event in events
        for category in {event.category, *(line.category for line in event.lines)} - {None}
    )
    return [
        {"event_date": day, "category": category, "event_count": count}
        for (day, category), count in sorted(counts.items())
    ]


def user_activity(events: Iterable[Event], session_of: Mapping[Position, Session]) -> list[Row]:
    users: dict[date, set[str]] = defaultdict(set)
    sessions: dict[date, set[tuple[str, int]]] = defaultdict(set)
    for event in events:
        users[event.event_date].add(event.visitor_id)
        sessions[event.event_date].add((event.visitor_id, session_of[event.position].number))
    return [
        {"event_date": day, "unique_users": len(users[day]), "unique_sessions": len(sessions[day])}
        for day in sorted(users)
    ]


def unknown_events(events: Iterable[Event]) -> list[Row]:
    """One row per type and name, as trackers write them, that the seed has no action for."""
    times: dict[tuple[str | None, str | None], list[datetime]] = defaultdict(list)
    for event in events:
        if event.event_action is None:
            times[event.event_type, event.event_name].append(event.event_timestamp)
    return [
        {
            "event_type": event_type,
            "event_name": event_name,
            "first_seen_at": min(times[event_type, event_name]),
            "last_seen_at": max(times[event_type, event_name]),
            "event_count": len(times[event_type, event_name]),
        }
        for event_type, event_name in sorted(times, key=lambda key: (key[0] or "", key[1] or ""))
    ]
