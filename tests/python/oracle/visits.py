"""Sessions and visitors."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from oracle.channels import channel_of
from oracle.enriched import Enriched
from oracle.knowledge import Knowledge
from oracle.origins import Origin
from oracle.records import Event, Position
from oracle.settings import Settings
from oracle.values import MINUTE, SECOND

Row = dict[str, Any]

_CENT = Decimal("0.01")
_PAGE_VIEWS = ("page_view", "screen_view", "space_view")


@dataclass(frozen=True, slots=True)
class Session:
    visitor_id: str
    number: int
    events: list[Event]

    @property
    def start_at(self) -> datetime:
        return self.events[0].event_timestamp


def sessionize(
    events: Iterable[Event], inactivity_minutes: int, event_ids: Mapping[Position, str]
) -> dict[str, list[Session]]:
    """The sessions of each visitor, in order; the lake's `event_ids` order events at one instant."""

    def order(event: Event) -> tuple[int, str]:
        return event.at, event_ids.get(event.position, event.event_id)

    by_visitor: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_visitor[event.visitor_id].append(event)
    return {
        visitor_id: [
            Session(visitor_id, number, session_events)
            for number, session_events in enumerate(
                _split_at_gaps(sorted(visitor_events, key=order), inactivity_minutes * MINUTE), start=1
            )
        ]
        for visitor_id, visitor_events in by_visitor.items()
    }


def _split_at_gaps(events: list[Event], longest_gap: int) -> list[list[Event]]:
    sessions: list[list[Event]] = []
    for event in events:
        if not sessions or event.at - sessions[-1][-1].at > longest_gap:
            sessions.append([])
        sessions[-1].append(event)
    return sessions


def session_row(
    session: Session,
    facts: Mapping[Position, Enriched],
    reason: str | None,
    knowledge: Knowledge,
    settings: Settings,
) -> Row:
    """One row of fct_sessions; `reason` is that for which it is a bot's."""
    events, first, last = session.events, session.events[0], session.events[-1]
    known = [facts[event.position] for event in events]
    origin = deciding_origin(session, facts)
    duration = last.at - first.at
    pages = [event.page_path for event in events if event.page_path is not None]
    actions = Counter(event.event_action for event in events)
    page_views = sum(actions[action] for action in _PAGE_VIEWS)
    is_converted = any(fact.conversion_goal is not None for fact in known)
    return {
        "visitor_id": session.visitor_id,
        "user_id": last_user(events),
        "session_start_at": first.event_timestamp,
        "session_end_at": last.event_timestamp,
        "session_date": first.event_date,
        "session_number": session.number,
        "duration_seconds": duration // SECOND,
        "event_count": len(events),
        "page_view_count": page_views,
        "entry_page": pages[0] if pages else None,
        "exit_page": pages[-1] if pages else None,
        "channel": channel_of(origin, knowledge),
        "device_type": _first_known(fact.device_type for fact in known),
        "country": _first_known(fact.country for fact in known),
        **asdict(origin),
        "is_bounce": len(events) == 1,
        "is_converted": is_converted,
        "is_engaged": duration >= 10 * SECOND or is_converted or page_views >= 2,
        "is_bot": reason is not None,
        "journey_type": _journey_type(events),
        "engagement_tier": _engagement_tier(len(events), duration),
        "engaged_seconds": _engaged_seconds(events, settings.engaged_gap_seconds * SECOND),
        "revenue": sum((event.revenue for event in events if event.revenue is not None), Decimal("0.00")),
        "purchase_count": actions["purchase"],
        "search_count": actions["search"],
        "first_event_action": first.event_action,
        "last_event_action": last.event_action,
    }


def deciding_origin(session: Session, facts: Mapping[Position, Enriched]) -> Origin:
    """That of the first event with a page or a referrer, whatever later ones say."""
    for event in session.events:
        if event.page_url is not None or event.referrer_url is not None:
            return facts[event.position].origin
    return Origin()


def _journey_type(events: list[Event]) -> str:
    tours = any(event.space_id is not None for event in events)
    shops = any(line.product_id is not None for event in events for line in event.lines)
    if tours:
        return "tour_and_shop" if shops else "tour"
    return "shop" if shops else "browse"


def _engagement_tier(event_count: int, duration: int) -> str:
    if event_count == 1:
        return "bounce"
    if event_count >= 20 or duration >= 600 * SECOND:
        return "high"
    return "medium" if event_count >= 5 or duration >= 60 * SECOND else "low"


def _engaged_seconds(events: list[Event], longest_gap: int) -> Decimal:
    gaps = (later.at - earlier.at for earlier, later in pairwise(events))
    return (Decimal(sum(min(gap, longest_gap) for gap in gaps)) / SECOND).quantize(_CENT, ROUND_HALF_UP)


def visitor_row(sessions: list[Session], session_rows: list[Row]) -> Row:
    """One row of dim_visitors, out of all sessions of a visitor in their order."""
    events = [event for session in sessions for event in session.events]
    visitor_id = sessions[0].visitor_id
    user_id = last_user(events)
    return {
        "visitor_id": visitor_id,
        "person_id": visitor_id if user_id is None else user_id,
        "anonymous_id": _first_known(event.anonymous_id for event in events),
        "user_id": user_id,
        "first_seen_at": events[0].event_timestamp,
        "last_seen_at": events[-1].event_timestamp,
        "session_count": len(sessions),
        "first_channel": session_rows[0]["channel"],
        "first_device_type": _first_known(row["device_type"] for row in session_rows),
        "country": _first_known(row["country"] for row in session_rows),
        "lifetime_revenue": sum((row["revenue"] for row in session_rows), Decimal("0.00")),
    }


def _first_known(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value is not None), None)


def last_user(events: list[Event]) -> str | None:
    return next((event.user_id for event in reversed(events) if event.user_id is not None), None)
