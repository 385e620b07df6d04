"""Which channels the purchases are credited to."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from oracle.event_marts.inputs import Row, Settings
from oracle.event_marts.numbers import rounded
from oracle.event_marts.people import People


def channel_attribution(people: People, settings: Settings) -> list[Row]:
    sessions_of = defaultdict(list)
    for session in people.sessions:
        sessions_of[session["visitor_id"]].append(session)
    conversions: dict[tuple, Decimal] = defaultdict(Decimal)
    revenue: dict[tuple, Decimal] = defaultdict(Decimal)
    for purchase in people.events:
        if purchase["event_action"] != "purchase":
            continue
        touches = touches_of(purchase, sessions_of[purchase["visitor_id"]], settings)
        for model, shares in models(touches).items():
            credits = split(Decimal(1), shares, 6)
            amounts = split(purchase["revenue"], shares, 2)
            for channel, share, credit, amount in zip(touches, shares, credits, amounts, strict=True):
                if share:
                    conversions[purchase["event_date"], channel, model] += credit
                    revenue[purchase["event_date"], channel, model] += amount
    return [
        {
            "conversion_date": key[0],
            "channel": key[1],
            "model": key[2],
            "conversions": conversions[key],
            "revenue": revenue[key],
        }
        for key in conversions
    ]


def touches_of(purchase: Row, sessions: list[Row], settings: Settings) -> list[str]:
    """The channels of the visitor's sessions that led to the purchase, its own as the last."""
    earliest = purchase["event_timestamp"] - timedelta(days=settings.attribution_days)
    led = [
        session
        for session in sessions
        if session["session_id"] == purchase["session_id"]
        or earliest <= session["session_start_at"] <= purchase["event_timestamp"]
    ]
    return [session["channel"] for session in sorted(led, key=lambda session: session["session_start_at"])]


def models(touches: list[str]) -> dict[str, list[Fraction]]:
    """The exact share of each touch, by model."""
    n = len(touches)
    not_direct = [number for number, channel in enumerate(touches) if channel != "Direct"]
    return {
        "first_touch": _all_to(0, n),
        "last_touch": _all_to(n - 1, n),
        "last_non_direct": _all_to(not_direct[-1] if not_direct else n - 1, n),
        "linear": [Fraction(1, n)] * n,
        "position_based": _position_based(n),
    }


def _all_to(number: int, n: int) -> list[Fraction]:
    return [Fraction(number == other) for other in range(n)]


def _position_based(n: int) -> list[Fraction]:
    if n == 1:
        return [Fraction(1)]
    if n == 2:
        return [Fraction(1, 2)] * 2
    return [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]


def split(amount: Decimal, shares: list[Fraction], places: int) -> list[Decimal]:
    """Each share rounded; the last touch that has one takes what remains, so that the sum is the amount."""
    parts = [rounded(Fraction(amount) * share, places) for share in shares]
    last = max(number for number, share in enumerate(shares) if share)
    parts[last] = amount - sum(parts[:last], Decimal(0))
    return parts
