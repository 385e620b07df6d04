"""Sessions and funnels against retentioneering's functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from operator import itemgetter

import pandas as pd
from peers import EmptyEventstreamError, Eventstream, Funnel, SplitSessions
from warehouse import Warehouse

# The variables session_inactivity_minutes and visitor_funnel_window_hours.
INACTIVITY = "30m"
VISITOR_WINDOW = pd.Timedelta(hours=168)

# What a funnel counts: of (mart, its column, what makes a chain, the day that it counts on).
FUNNELS = (
    ("session_funnel", "sessions", "session_id", "session_date"),
    ("visitor_funnel", "visitors", "visitor_id", "event_date"),
)
StepCounts = dict[tuple[date, str, int], int]


def read_events(warehouse: Warehouse) -> pd.DataFrame:
    """All events, in the columns that retentioneering wants; `subindex` orders those of one moment."""
    query = """
        select
            visitor_id,
            session_id,
            coalesce(event_action, 'unknown') as event,
            event_timestamp as timestamp,
            event_date,
            session_date,
            is_bot,
            row_number() over (order by event_timestamp, event_id, visitor_id) as subindex
        from lake.analytics.fct_web_events
    """
    with warehouse.connect() as connection:
        events = connection.execute(query).df()
    assert len(events) > 0
    return events.sort_values("subindex")


def assert_sessions_equal(warehouse: Warehouse) -> None:
    """retentioneering's `split_sessions` makes the same sessions of visitors' events, bots' too."""
    events = read_events(warehouse).rename(columns={"session_id": "ours"})
    stream = Eventstream(events, {"path_cols": ["visitor_id"]})
    split, _ = SplitSessions(session_col="theirs", timeout=INACTIVITY).apply(stream.df, stream.schema)
    assert len(split) == len(events)
    pairs = split[["ours", "theirs"]].drop_duplicates()
    assert len(pairs) == pairs["ours"].nunique() == pairs["theirs"].nunique() > 0


def assert_funnels_equal(warehouse: Warehouse) -> None:
    """session_funnel and visitor_funnel against retentioneering's tool for funnels and its patterns of paths.

    Both mean the same by a funnel: the steps in this order, whatever happens between them, and nobody at a
    step who was not at the one before. retentioneering's knows no window and no day. So its tool counts the
    sessions of days on which none is longer than the window. For the rest each event of step 1 becomes a
    path of its own that ends with the window; a session or visitor reaches a step on a day when a path that
    begins on it matches the pattern of the steps.
    """
    events = read_events(warehouse)
    people = events[~events["is_bot"]]
    funnels: dict[tuple[str, int], list[str]] = {}
    steps = warehouse.rows("analytics_seeds.funnel_steps")
    for step in sorted(steps, key=itemgetter("funnel_name", "step_number")):
        funnels.setdefault((step["funnel_name"], step["window_minutes"]), []).append(step["event_action"])
    begun = 0
    for mart, column, unit, day in FUNNELS:
        ours: StepCounts = {
            (row["event_date"], row["funnel_name"], row["step_number"]): row[column]
            for row in warehouse.rows(f"analytics.{mart}")
        }
        theirs: StepCounts = dict.fromkeys(ours, 0)
        for (funnel_name, minutes), actions in funnels.items():
            window = VISITOR_WINDOW if unit == "visitor_id" else pd.Timedelta(minutes=minutes)
            of_funnel = people[people["event"].isin(actions)]
            by_step = beginnings_that_reach(of_funnel, actions, unit, window)
            for number, reached in enumerate(by_step, start=1):
                for on, count in reached.groupby(day)[unit].nunique().items():
                    theirs[on.date(), funnel_name, number] = int(count)
            if unit == "session_id":
                begun += compare_with_tool(people, actions, window, funnel_name, ours)
        assert ours == theirs, mart
        assert any(count for (_, _, number), count in ours.items() if number > 1), f"{mart}: nobody goes on"
    assert begun > 0, "in no funnel a day on which no session is longer than its window"


def beginnings_that_reach(
    events: pd.DataFrame, actions: list[str], unit: str, window: pd.Timedelta
) -> Iterator[pd.DataFrame]:
    """For each step of a funnel the events of step 1 that begin a chain up to it.

    Args:
        events: those with an action of the funnel.
        actions: of its steps, in their order.
        unit: the column of whose events make a chain.
        window: how long after its beginning a chain may end.
    """
    first = events[events["event"] == actions[0]]
    beginnings = first[[unit, "subindex", "timestamp"]]
    paths = beginnings.merge(events, on=unit, suffixes=("_of_beginning", ""))
    since = paths["timestamp"] - paths["timestamp_of_beginning"]
    paths = paths[(paths["subindex"] >= paths["subindex_of_beginning"]) & (since <= window)]
    columns = ["subindex_of_beginning", "event", "timestamp", "subindex"]
    stream = Eventstream(paths[columns], {"path_cols": ["subindex_of_beginning"]})
    for length in range(1, len(actions) + 1):
        condition = {
            "op": "=",
            "metric": "matches_pattern",
            "metric_args": {"pattern": "->.*->".join(actions[:length])},
            "value": 1,
        }
        matching: set[int] = set()
        # Of an event that nobody has, retentioneering says that it is misspelt.
        if set(actions[:length]) <= set(paths["event"]):
            try:
                matching = set(stream.filter_paths(condition).df["subindex_of_beginning"])
            except EmptyEventstreamError:
                matching = set()
        yield first[first["subindex"].isin(matching)]


def compare_with_tool(
    people: pd.DataFrame, actions: list[str], window: pd.Timedelta, funnel_name: str, ours: StepCounts
) -> int:
    """Compare a funnel of sessions with retentioneering's tool, on days when none is longer than the window.

    Returns:
        How many sessions begin the funnel on these days.
    """
    sessions = people.groupby("session_id").agg(
        day=("session_date", "first"), first=("timestamp", "min"), last=("timestamp", "max")
    )
    too_long = sessions.loc[sessions["last"] - sessions["first"] > window, "day"]
    compared = people[~people["session_date"].isin(too_long)]
    columns = ["session_id", "event", "timestamp", "subindex"]
    stream = Eventstream(compared[columns], {"path_cols": ["session_id"]})
    # The tool, too, takes an event that nobody has for misspelt.
    missing = set(actions) - set(compared["event"])
    known = actions[: min((actions.index(action) for action in missing), default=len(actions))]
    counts = [step["unique_paths"] for step in Funnel(stream).fit(known)["steps"]]
    counts += [0] * (len(actions) - len(counts))
    days = {day.date() for day in compared["session_date"]}
    sums = [
        sum(ours.get((day, funnel_name, number), 0) for day in days) for number in range(1, len(actions) + 1)
    ]
    assert sums == counts, funnel_name
    return counts[0]
