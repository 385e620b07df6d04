"""Persons: the sessions of all their devices."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from oracle.visits import Session

Row = dict[str, Any]


def user_rows(sessions: list[Session], session_rows: list[Row], person_ids: Mapping[str, str]) -> list[Row]:
    """One row per person; `person_ids` are those of the visitors, for sessions in which nobody logged in."""
    rows_of: dict[str, list[Row]] = defaultdict(list)
    sign_ups_of: dict[str, list[date]] = defaultdict(list)
    for session, row in zip(sessions, session_rows, strict=True):
        person_id = person_ids[session.visitor_id] if row["user_id"] is None else row["user_id"]
        rows_of[person_id].append(row)
        sign_ups_of[person_id] += [
            event.event_date for event in session.events if event.event_action == "sign_up"
        ]
    return [_user_row(person_id, rows_of[person_id], sign_ups_of[person_id]) for person_id in sorted(rows_of)]


def _user_row(person_id: str, rows: list[Row], sign_ups: list[date]) -> Row:
    rows = sorted(rows, key=lambda row: (row["session_start_at"], row["visitor_id"]))
    devices = Counter(row["device_type"] for row in rows if row["device_type"] is not None)
    return {
        "person_id": person_id,
        "country": next((row["country"] for row in rows if row["country"] is not None), None),
        "signup_date": min(sign_ups, default=None),
        "device_preferences": min(devices, key=lambda device: (-devices[device], device), default=None),
        "first_seen": rows[0]["session_start_at"],
        "last_seen": max(row["session_end_at"] for row in rows),
        "session_count": len(rows),
        "lifetime_revenue": sum((row["revenue"] for row in rows), Decimal("0.00")),
    }
