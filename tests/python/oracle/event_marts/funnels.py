"""How far sessions and visitors come in the funnels."""

from collections import Counter
from datetime import date, timedelta

from oracle.event_marts.inputs import Funnel, Row, Settings
from oracle.event_marts.numbers import ratio
from oracle.event_marts.people import People


def session_funnel(people: People, settings: Settings) -> list[Row]:
    rows = []
    for funnel in settings.funnels:
        window = timedelta(minutes=funnel.window_minutes)
        reached: Counter[tuple[date, int]] = Counter()
        for session_id, events in people.events_by_session().items():
            day = people.session_by_id[session_id]["session_date"]
            deepest = max((depth for _, depth in chains(events, funnel, window)), default=0)
            for step in range(1, deepest + 1):
                reached[day, step] += 1
        rows += _rows(funnel, reached, "sessions")
    return rows


def visitor_funnel(people: People, settings: Settings) -> list[Row]:
    rows = []
    window = timedelta(days=settings.visitor_funnel_days)
    for funnel in settings.funnels:
        reached: Counter[tuple[date, int]] = Counter()
        for events in people.events_by_visitor().values():
            deepest: dict[date, int] = {}
            for start, depth in chains(events, funnel, window):
                day = start["event_date"]
                deepest[day] = max(depth, deepest.get(day, 0))
            for day, depth in deepest.items():
                for step in range(1, depth + 1):
                    reached[day, step] += 1
        rows += _rows(funnel, reached, "visitors")
    return rows


def chains(events: list[Row], funnel: Funnel, window: timedelta) -> list[tuple[Row, int]]:
    """Each event of the first step, with the deepest step that a chain from it reaches within the window.

    The next step is best taken by the first event that fits: it leaves the most time for what follows.
    """
    actions = [action for _, action in funnel.steps]
    found = []
    for number, start in enumerate(events):
        if start["event_action"] != actions[0]:
            continue
        depth = 1
        for event in events[number + 1 :]:
            is_late = event["event_timestamp"] - start["event_timestamp"] > window
            if is_late or depth == len(actions):
                break
            if event["event_action"] == actions[depth]:
                depth += 1
        found.append((start, depth))
    return found


def _rows(funnel: Funnel, reached: Counter[tuple[date, int]], counted: str) -> list[Row]:
    rows = []
    for day in sorted({day for day, _ in reached}):
        for step, (step_name, _) in enumerate(funnel.steps, start=1):
            row = {
                "event_date": day,
                "funnel_name": funnel.name,
                "step_number": step,
                "step_name": step_name,
                counted: reached[day, step],
                "conversion_from_previous": None,
                "conversion_from_start": ratio(reached[day, step], reached[day, 1]),
            }
            if step > 1:
                row["conversion_from_previous"] = ratio(reached[day, step], reached[day, step - 1])
            rows.append(row)
    return rows
