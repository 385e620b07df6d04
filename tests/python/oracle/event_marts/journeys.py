"""The ways of sessions: what kind they are, which pages they saw, in which order."""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

from oracle.event_marts.inputs import PAGE_VIEWS, Row, Settings
from oracle.event_marts.numbers import (
    MICROSECONDS_PER_SECOND,
    mean,
    microseconds_between,
    ratio,
    rounded,
    seconds,
)
from oracle.event_marts.people import People

MICROSECONDS_PER_MINUTE = 60 * MICROSECONDS_PER_SECOND


def user_journey_analysis(people: People) -> list[Row]:
    groups = defaultdict(list)
    for session in people.sessions:
        groups[session["session_date"], session["journey_type"], session["engagement_tier"]].append(session)
    rows = []
    for (day, journey_type, tier), sessions in groups.items():
        durations = [microseconds_between(s["session_start_at"], s["session_end_at"]) for s in sessions]
        rows.append(
            {
                "analysis_date": day,
                "journey_type": journey_type,
                "engagement_tier": tier,
                "sessions": len(sessions),
                "session_duration_minutes": rounded(Fraction(mean(durations), MICROSECONDS_PER_MINUTE), 2),
                "conversion_rate": ratio(sum(s["is_converted"] for s in sessions), len(sessions)),
            }
        )
    return rows


def journey_milestones(people: People) -> list[Row]:
    counts: Counter[tuple] = Counter()
    sessions = defaultdict(set)
    for session_id, events in people.events_by_session().items():
        for event in events:
            key = event["event_date"], milestone(event, events)
            counts[key] += 1
            sessions[key].add(session_id)
    return [
        {"event_date": key[0], "milestone": key[1], "events": count, "sessions": len(sessions[key])}
        for key, count in counts.items()
    ]


def milestone(event: Row, session_events: list[Row]) -> str:
    """The first that applies; the page's own host and ours are no referrer_host."""
    if event is session_events[0] and event["referrer_host"] is not None:
        return "external_referral_entry"
    if event["event_action"] in ("space_view", "room_view") and event["space_id"] is not None:
        return "space_exploration"
    if event is session_events[-1] and len(session_events) > 5:
        return "engaged_exit"
    return "navigation"


def page_performance(people: People, settings: Settings) -> list[Row]:
    longest = settings.engaged_gap_seconds * MICROSECONDS_PER_SECOND
    groups = defaultdict(list)
    engaged: Counter[tuple] = Counter()
    entrances: Counter[tuple] = Counter()
    exits: Counter[tuple] = Counter()
    bounces: Counter[tuple] = Counter()
    conversions: Counter[tuple] = Counter()
    for session_id, events in people.events_by_session().items():
        session = people.session_by_id[session_id]
        for event, following in zip(events, [*events[1:], None], strict=True):
            if event["page_path"] is None:
                continue
            groups[_page(event)].append(event)
            if following is not None:
                gap = microseconds_between(event["event_timestamp"], following["event_timestamp"])
                engaged[_page(event)] += min(gap, longest)
        pages = [_page(event) for event in events if event["page_path"] is not None]
        if pages:
            entrances[pages[0]] += 1
            exits[pages[-1]] += 1
            bounces[pages[0]] += session["page_view_count"] == 1
            conversions[pages[0]] += bool(session["is_converted"])
    rows = []
    for page, events in groups.items():
        views = sum(event["event_action"] in PAGE_VIEWS for event in events)
        rows.append(
            {
                "event_date": page[0],
                "page_path": page[1],
                "views": views,
                "sessions": len({event["session_id"] for event in events}),
                "visitors": len({event["visitor_id"] for event in events}),
                "entrances": entrances[page],
                "exits": exits[page],
                "bounces": bounces[page],
                "engaged_seconds": seconds(engaged[page]),
                "conversions": conversions[page],
                "exit_rate": ratio(exits[page], views),
                "bounce_rate": ratio(bounces[page], entrances[page]),
            }
        )
    return rows


def _page(event: Row) -> tuple:
    return event["event_date"], event["page_path"]


def page_transitions(people: People) -> list[Row]:
    counts: Counter[tuple] = Counter()
    sessions = defaultdict(set)
    for session_id, events in people.events_by_session().items():
        day = people.session_by_id[session_id]["session_date"]
        pages = [event["page_path"] for event in events if event["page_path"] is not None]
        if not pages:
            continue
        steps = [("(entry)", pages[0]), *pairwise(pages), (pages[-1], "(exit)")]
        for from_page, to_page in steps:
            if from_page != to_page:
                counts[day, from_page, to_page] += 1
                sessions[day, from_page, to_page].add(session_id)
    return [
        {
            "session_date": key[0],
            "from_page": key[1],
            "to_page": key[2],
            "transitions": count,
            "sessions": len(sessions[key]),
        }
        for key, count in counts.items()
    ]
