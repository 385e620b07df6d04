"""What is left without bots, and who the events are of."""

from __future__ import annotations

from collections import defaultdict

from oracle.event_marts.inputs import Facts, Row


def in_order(events: list[Row]) -> list[Row]:
    return sorted(events, key=lambda event: (event["event_timestamp"], event["event_id"]))


class People:
    """Events and sessions that are not of bots."""

    def __init__(self, facts: Facts) -> None:
        self.events = [event for event in facts.events if not event["is_bot"]]
        self.sessions = [session for session in facts.sessions if not session["is_bot"]]
        self.session_by_id = {session["session_id"]: session for session in self.sessions}
        self._person_of_visitor = {visitor["visitor_id"]: visitor["person_id"] for visitor in facts.visitors}

    def person(self, event: Row) -> str:
        """The user of the event, else whom we know its visitor as today."""
        if event["user_id"] is not None:
            return event["user_id"]
        return self._person_of_visitor[event["visitor_id"]]

    def events_by_session(self) -> dict[str, list[Row]]:
        return self._ordered_by("session_id")

    def events_by_visitor(self) -> dict[str, list[Row]]:
        return self._ordered_by("visitor_id")

    def _ordered_by(self, column: str) -> dict[str, list[Row]]:
        groups = defaultdict(list)
        for event in self.events:
            groups[event[column]].append(event)
        return {value: in_order(events) for value, events in groups.items()}
