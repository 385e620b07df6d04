"""One row a day for a dashboard, and what is bought together."""

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from oracle.event_marts.inputs import PAGE_VIEWS, Facts, Row
from oracle.event_marts.numbers import average, ratio
from oracle.event_marts.observability import rejected_records
from oracle.event_marts.people import People

FEWEST_BASKETS = 2


def daily_kpis(facts: Facts, people: People) -> list[Row]:
    all_events, events = _by_day(facts.events, "event_date"), _by_day(people.events, "event_date")
    sessions = _by_day(people.sessions, "session_date")
    transactions = _by_day(facts.transactions, "transaction_date")
    raw_records = _by_day(facts.staged, "source_modified_at")
    rejected = _by_day(rejected_records(facts), "source_modified_at")
    rows = []
    for day in sorted({*all_events, *transactions}):
        purchases = [event for event in events[day] if event["event_action"] == "purchase"]
        orders = [order for order in transactions[day] if order["status"] == "completed"]
        converted = sum(session["is_converted"] for session in sessions[day])
        bots = sum(event["is_bot"] for event in all_events[day])
        rows.append(
            {
                "event_date": day,
                "sessions": len(sessions[day]),
                "visitors": len({event["visitor_id"] for event in events[day]}),
                "page_views": sum(event["event_action"] in PAGE_VIEWS for event in events[day]),
                "purchases": len(purchases),
                "event_revenue": sum((event["revenue"] for event in purchases), Decimal("0.00")),
                "orders": len({order["transaction_id"] for order in orders}),
                "transaction_revenue": sum((order["total_amount"] for order in orders), Decimal("0.00")),
                "conversion_rate": ratio(converted, len(sessions[day])),
                "average_score": average([event["data_quality_score"] for event in events[day]], 4),
                "rejected_share": ratio(len(rejected[day]), len(raw_records[day])),
                "bot_share": ratio(bots, len(all_events[day])),
            }
        )
    return rows


def _by_day(rows: list[Row], column: str) -> dict[date, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        value = row[column]
        groups[value.date() if isinstance(value, datetime) else value].append(row)
    return groups


def product_affinity(facts: Facts, people: People) -> list[Row]:
    baskets: dict[str, set[str]] = {
        event["session_id"]: set() for event in people.events if event["event_action"] == "purchase"
    }
    for line in facts.lines:
        if line["event_action"] == "purchase" and not line["is_bot"] and line["product_id"] is not None:
            baskets[line["session_id"]].add(line["product_id"])
    products = sorted(set().union(*baskets.values()))
    rows = []
    for a in products:
        with_a = [basket for basket in baskets.values() if a in basket]
        for b in products:
            pairs = sum(b in basket for basket in with_a)
            if a == b or pairs < FEWEST_BASKETS:
                continue
            with_b = sum(b in basket for basket in baskets.values())
            confidence = Fraction(pairs, len(with_a))
            rows.append(
                {
                    "product_a": a,
                    "product_b": b,
                    "pair_count": pairs,
                    "support": ratio(pairs, len(baskets)),
                    "confidence": ratio(pairs, len(with_a)),
                    "lift": ratio(confidence, Fraction(with_b, len(baskets))),
                }
            )
    return rows
