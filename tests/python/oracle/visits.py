"""Sessions and visitors."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oracle.records import Event, Position
from oracle.values import MINUTE, SECOND

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


def session_row(session: Session) -> dict[str, Any]:
    first, last = session.events[0], session.events[-1]
    pages = [event.page_path for event in session.events if event.page_path is not None]
    return {
        "visitor_id": session.visitor_id,
        "user_id": last_user(session.events),
        "session_start_at": first.event_timestamp,
        "session_end_at": last.event_timestamp,
        "session_date": first.event_date,
        "session_number": session.number,
        "duration_seconds": (last.at - first.at) // SECOND,
        "event_count": len(session.events),
        "page_view_count": sum(event.event_action in _PAGE_VIEWS for event in session.events),
        "entry_page": pages[0] if pages else None,
        "exit_page": pages[-1] if pages else None,
        "is_bounce": len(session.events) == 1,
        "is_converted": any(event.event_action == "purchase" for event in session.events),
    }


def visitor_row(sessions: list[Session]) -> dict[str, Any]:
    events = [event for session in sessions for event in session.events]
    visitor_id = sessions[0].visitor_id
    user_id = last_user(events)
    return {
        "visitor_id": visitor_id,
        "person_id": visitor_id if user_id is None else user_id,
        "anonymous_id": next(
            (event.anonymous_id for event in events if event.anonymous_id is not None), None
        ),
        "user_id": user_id,
        "first_seen_at": events[0].event_timestamp,
        "last_seen_at": events[-1].event_timestamp,
        "session_count": len(sessions),
    }


def last_user(events: list[Event]) -> str | None:
    return next((event.user_id for event in reversed(events) if event.user_id is not None), None)
