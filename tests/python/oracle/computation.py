"""From raw rows to the rows that the lake must hold."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from oracle import marts
from oracle.agents import user_agent_rows
from oracle.bots import bot_reason
from oracle.enriched import Enriched, enriched
from oracle.knowledge import Knowledge, knowledge_of
from oracle.persons import user_rows
from oracle.records import (
    Event,
    Position,
    RawRow,
    Rejected,
    believed_modified_at,
    read_event,
    read_product,
)
from oracle.settings import Settings
from oracle.values import from_datetime, to_datetime
from oracle.visits import Session, session_row, sessionize, visitor_row

Row = dict[str, Any]

_DEFAULTS = Settings()
_EVENT_COLUMNS = (
    "source_uri",
    "source_position",
    "source",
    "event_id",
    "has_own_id",
    "event_timestamp",
    "event_date",
    "timestamp_source",
    "event_type",
    "event_name",
    "event_action",
    "source_format",
    "is_enveloped",
    "anonymous_id",
    "user_id",
    "visitor_id",
    "page_url",
    "page_path",
    "referrer_url",
    "user_agent",
    "ip_address",
    "source_session_id",
    "source_device_type",
    "source_country",
    "space_id",
    "room_id",
    "product_id",
    "category",
    "price",
    "quantity",
    "revenue",
)


@dataclass(frozen=True)
class Oracle:
    """Every list is sorted by the grain of its rows."""

    events: list[Row]
    rejected: list[Row]
    duplicates: int
    superseded: int
    sessions: list[Row]
    visitors: list[Row]
    dim_users: list[Row]
    unknown_events: list[Row]
    event_products: list[Row]
    conversion_funnel: list[Row]
    hourly_revenue: list[Row]
    top_products: list[Row]
    category_performance: list[Row]
    user_activity: list[Row]
    dim_products: list[Row]
    dim_user_agents: list[Row]
    load_reconciliation: list[Row]


class Reconciliation:
    """Where every raw record went, by load date and source."""

    OUTCOMES = ("events", "duplicates", "rejected", "superseded")

    def __init__(self) -> None:
        self._counts: dict[tuple[date, str], Counter[str]] = {}

    def add(self, outcome: str, load_date: date, source: str) -> None:
        self._counts.setdefault((load_date, source), Counter())[outcome] += 1

    def total(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self._counts.values())

    def rows(self) -> list[Row]:
        return [
            {"load_date": load_date, "source": source, "raw_records": counts.total()}
            | {outcome: counts[outcome] for outcome in self.OUTCOMES}
            for (load_date, source), counts in sorted(self._counts.items())
        ]


def compute(
    raw_web_events: Iterable[RawRow],
    raw_products: Iterable[RawRow] = (),
    settings: Settings = _DEFAULTS,
    *,
    event_ids: Mapping[Position, str] | None = None,
    knowledge: Knowledge | None = None,
) -> Oracle:
    """What the lake must hold for these raw rows, in whatever order they come.

    event_ids: the lake's id of each event by (source_uri, source_position). Only the order of a visitor's
        events at one instant depends on it, since the hash is the lake's own; `event_id_problems` checks the
        ids themselves.
    knowledge: hosts, countries, goals and weights; those of the project's seeds when it is not given.
    """
    knowledge = knowledge or knowledge_of()
    reconciliation = Reconciliation()
    rows = list(raw_web_events)
    current = _without_superseded(rows, reconciliation)
    accepted, rejected = _read(current, reconciliation)
    events = _deduplicated(accepted, reconciliation)

    facts = {event.position: enriched(event, knowledge) for event in events}
    sessions_of = sessionize(events, settings.session_inactivity_minutes, event_ids or {})
    visits_of = {
        visitor_id: [_visit(session, facts, knowledge, settings) for session in sessions_of[visitor_id]]
        for visitor_id in sorted(sessions_of)
    }
    visits = [visit for visitor_visits in visits_of.values() for visit in visitor_visits]
    visit_of = {event.position: visit for visit in visits for event in visit.session.events}
    visitors = [
        visitor_row([visit.session for visit in visitor_visits], [visit.row for visit in visitor_visits])
        for visitor_visits in visits_of.values()
    ]
    bots = {position for position, visit in visit_of.items() if visit.bot_reason is not None}
    human = [event for event in events if event.position not in bots]
    funnel = marts.conversion_funnel(human)
    return Oracle(
        events=[_event_row(event, facts[event.position], visit_of[event.position]) for event in events],
        rejected=rejected,
        duplicates=reconciliation.total("duplicates"),
        superseded=reconciliation.total("superseded"),
        sessions=[visit.row for visit in visits],
        visitors=visitors,
        dim_users=user_rows(
            [visit.session for visit in visits],
            [visit.row for visit in visits],
            {row["visitor_id"]: row["person_id"] for row in visitors},
        ),
        unknown_events=marts.unknown_events(human),
        event_products=marts.event_products(events, bots),
        conversion_funnel=funnel,
        hourly_revenue=marts.hourly_revenue(human),
        top_products=marts.top_products(funnel),
        category_performance=marts.category_performance(human),
        user_activity=marts.user_activity(
            human, {position: visit.session for position, visit in visit_of.items()}
        ),
        dim_products=_current_products(raw_products),
        dim_user_agents=user_agent_rows(_user_agents(rows)),
        load_reconciliation=reconciliation.rows(),
    )


@dataclass(frozen=True, slots=True)
class _Visit:
    """A session with what was found about it."""

    session: Session
    row: Row
    bot_reason: str | None


def _visit(
    session: Session, facts: Mapping[Position, Enriched], knowledge: Knowledge, settings: Settings
) -> _Visit:
    reason = bot_reason(session, settings)
    return _Visit(session, session_row(session, facts, reason, knowledge, settings), reason)


def event_id_problems(oracle: Oracle, event_ids: Mapping[Position, str]) -> list[str]:
    """What is wrong with the lake's ids: an own id stays as it is, one is unique in its day and visitor."""
    problems = []
    owners: dict[tuple[str, str, date], Position] = {}
    for row in oracle.events:
        position = (row["source_uri"], row["source_position"])
        lake_id = event_ids.get(position)
        if not lake_id:
            problems.append(f"{position}: no id")
            continue
        if row["has_own_id"] and lake_id != row["event_id"]:
            problems.append(f"{position}: {lake_id!r} instead of its own id {row['event_id']!r}")
        if (
            owner := owners.setdefault((lake_id, row["visitor_id"], row["event_date"]), position)
        ) != position:
            problems.append(f"{position}: {lake_id!r} is also the id of {owner}")
    return problems


def _version(row: RawRow) -> tuple[int, str]:
    return believed_modified_at(row), row["source_etag"]


def _current_version_of_objects(rows: Iterable[RawRow]) -> dict[str, tuple[int, str]]:
    current: dict[str, tuple[int, str]] = {}
    for row in rows:
        current[row["source_uri"]] = max(_version(row), current.get(row["source_uri"], _version(row)))
    return current


def _load_key(row: RawRow) -> tuple[date, str]:
    return to_datetime(from_datetime(row["loaded_at"])).date(), row["source"]


def _without_superseded(rows: list[RawRow], reconciliation: Reconciliation) -> list[RawRow]:
    current = _current_version_of_objects(rows)
    kept = []
    for row in rows:
        if row["source_etag"] == current[row["source_uri"]][1]:
            kept.append(row)
        else:
            reconciliation.add("superseded", *_load_key(row))
    return kept


def _read(rows: Iterable[RawRow], reconciliation: Reconciliation) -> tuple[list[Event], list[Row]]:
    accepted, rejected = [], []
    for row in rows:
        try:
            accepted.append(read_event(row))
        except Rejected as rejection:
            reconciliation.add("rejected", *_load_key(row))
            position = {"source_uri": row["source_uri"], "source_position": row["source_position"]}
            rejected.append(position | {"reason": str(rejection)})
    rejected.sort(key=lambda row: (row["source_uri"], row["source_position"], row["reason"]))
    return accepted, rejected


def _user_agents(rows: Iterable[RawRow]) -> Iterator[str | None]:
    """Of all records that are events, also in objects that were uploaded again."""
    for row in rows:
        try:
            yield read_event(row).user_agent
        except Rejected:
            continue


def _deduplicated(copies: list[Event], reconciliation: Reconciliation) -> list[Event]:
    by_identity: dict[Any, list[Event]] = {}
    for copy in copies:
        by_identity.setdefault(copy.identity, []).append(copy)
    events = []
    for same in by_identity.values():
        same.sort(key=lambda copy: copy.copy_rank)
        for copy, following in zip(same, [*same[1:], None], strict=True):
            if following is not None and following.event_date - copy.event_date <= timedelta(days=1):
                reconciliation.add("duplicates", copy.load_date, copy.source)
            else:
                reconciliation.add("events", copy.load_date, copy.source)
                events.append(copy)
    return sorted(events, key=lambda event: event.position)


def _event_row(event: Event, facts: Enriched, visit: _Visit) -> Row:
    return {column: getattr(event, column) for column in _EVENT_COLUMNS} | facts.columns() | {
        "session_start_at": visit.session.start_at,
        "session_number": visit.session.number,
        "is_session_start": visit.session.events[0] is event,
        "channel": visit.row["channel"],
        "is_bot": visit.bot_reason is not None,
        "bot_reason": visit.bot_reason,
    }  # fmt: skip


def _current_products(rows: Iterable[RawRow]) -> list[Row]:
    """Of each product the entry in the newest object, and in it the last one."""
    rows = list(rows)
    current_version = _current_version_of_objects(rows)
    newest: dict[str, tuple[tuple[int, str, int], Row]] = {}
    for row in rows:
        is_current = row["source_etag"] == current_version[row["source_uri"]][1]
        product = read_product(row) if is_current else None
        if product is None:
            continue
        rank = (_version(row)[0], row["source_uri"], row["source_position"])
        if product["product_id"] not in newest or rank > newest[product["product_id"]][0]:
            newest[product["product_id"]] = (rank, product)
    return [newest[product_id][1] for product_id in sorted(newest)]
