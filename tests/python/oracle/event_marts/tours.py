"""Spaces and rooms."""

import math
from collections import defaultdict

from oracle.event_marts.inputs import Row
from oracle.event_marts.numbers import greatest, mean, microseconds_between, ratio, seconds
from oracle.event_marts.people import People


def daily_space_engagement(people: People) -> list[Row]:
    groups = defaultdict(list)
    spent: dict[tuple, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for session_id, events in people.events_by_session().items():
        for event, following in zip(events, [*events[1:], None], strict=True):
            if event["space_id"] is None:
                continue
            key = event["event_date"], event["space_id"]
            groups[key].append(event)
            gap = 0
            if following is not None:
                gap = microseconds_between(event["event_timestamp"], following["event_timestamp"])
            spent[key][session_id] += gap
    rows = []
    for key, events in groups.items():
        sessions = {event["session_id"] for event in events}
        views = sum(event["event_action"] == "space_view" for event in events)
        rows.append(
            {
                "analysis_date": key[0],
                "space_id": key[1],
                "space_name": greatest(event["space_name"] for event in events),
                "space_type": greatest(event["space_type"] for event in events),
                "unique_sessions": len(sessions),
                "unique_visitors": len({event["visitor_id"] for event in events}),
                "views": views,
                "room_views": sum(event["event_action"] == "room_view" for event in events),
                "interactions": len(events),
                "views_per_session": ratio(views, len(sessions)),
                "avg_time_on_space": seconds(mean(spent[key].values())),
            }
        )
    return rows


UNKNOWN = "(unknown)"


def spatial_analytics(people: People) -> list[Row]:
    groups = defaultdict(list)
    for event in people.events:
        if event["event_action"] != "room_view":
            continue
        space_id = UNKNOWN if event["space_id"] is None else event["space_id"]
        room_id = UNKNOWN if event["room_id"] is None else event["room_id"]
        level = exploration_level(angles(event))
        groups[event["event_date"], space_id, room_id, level].append(event)
    return [
        {
            "analysis_date": day,
            "space_id": space_id,
            "room_id": room_id,
            "spatial_exploration_level": level,
            "room_name": greatest(event["room_name"] for event in events),
            "views": len(events),
            "sessions": len({event["session_id"] for event in events}),
            "avg_pitch": _average_angle(events, "pitch"),
            "avg_yaw": _average_angle(events, "yaw"),
            "avg_hfov": _average_angle(events, "hfov"),
        }
        for (day, space_id, room_id, level), events in groups.items()
    ]


def angles(event: Row) -> dict[str, float | None]:
    """Where the camera looked; a missing struct is one of nulls."""
    return event["coordinates"] or {"pitch": None, "yaw": None, "hfov": None}


def exploration_level(coordinates: dict[str, float | None]) -> str:
    if all(coordinates[angle] is None for angle in ("pitch", "yaw", "hfov")):
        return "no_3d_data"
    pitch, yaw = abs(coordinates["pitch"] or 0), abs(coordinates["yaw"] or 0)
    if pitch > 45 or yaw > 180:
        return "high_exploration"
    if pitch > 15 or yaw > 90:
        return "medium_exploration"
    return "low_exploration"


def _average_angle(events: list[Row], angle: str) -> float | None:
    known = [value for event in events if (value := angles(event)[angle]) is not None]
    return math.fsum(known) / len(known) if known else None
