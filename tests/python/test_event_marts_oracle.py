"""Hand-worked cases for the plain Python computation of the event marts: a small table per rule and limit.

January 2024 begins on a Monday; `"2 10:00"` is ten o'clock on its second day.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, count
from typing import Any

import pytest

from oracle.event_marts import KEYS, Facts, Funnel, Row, Settings, marts_of_facts
from oracle.event_marts.attribution import models, split
from oracle.event_marts.funnels import chains
from oracle.event_marts.numbers import average, nearest_rank, ratio, rounded, seconds
from oracle.event_marts.tours import exploration_level

# Builders ---------------------------------------------------------------------------------------------------

_numbers = count()


def at(when: str) -> datetime:
    """Day of January 2024 and time; days above 31 run on into February and later."""
    day, _, clock = when.partition(" ")
    midnight = datetime.fromisoformat(f"1900-01-01T{clock or '00:00'}")
    return datetime(2024, 1, 1) + timedelta(days=int(day) - 1) + (midnight - datetime(1900, 1, 1))


def on(day: int) -> date:
    return at(str(day)).date()


def event(
    when: str, action: str | None = "page_view", visitor: str = "v", session: str = "", **own: Any
) -> Row:
    """An event of a person; its session is the visitor's own unless named."""
    row = {
        "event_id": f"e{next(_numbers):06}",
        "event_timestamp": at(when),
        "event_date": at(when).date(),
        "event_type": "track",
        "event_name": action,
        "event_action": action,
        "visitor_id": visitor,
        "user_id": None,
        "session_id": session or f"{visitor}-{'bot' if own.get('is_bot') else 'session'}",
        "page_path": None,
        "referrer_host": None,
        "space_id": None,
        "space_name": None,
        "space_type": None,
        "room_id": None,
        "room_name": None,
        "coordinates": None,
        "revenue": Decimal("0.00") if action == "purchase" else None,
        "is_bot": False,
        "data_quality_score": Decimal("1.0000"),
        "failed_rules": "",
        "timestamp_source": "event",
        "source_format": "legacy",
        "source": "firehose",
        "loaded_at": at(when),
    }
    assert own.keys() <= row.keys()
    return row | own


def session_of(events: list[Row], own: dict[str, Any]) -> Row:
    first, last = min(events, key=_time), max(events, key=_time)
    row = {
        "session_id": first["session_id"],
        "visitor_id": first["visitor_id"],
        "session_start_at": first["event_timestamp"],
        "session_end_at": last["event_timestamp"],
        "session_date": first["event_date"],
        "page_view_count": sum(
            one["event_action"] in ("page_view", "screen_view", "space_view") for one in events
        ),
        "channel": "Direct",
        "journey_type": "browse",
        "engagement_tier": "low",
        "is_converted": any(one["event_action"] in ("purchase", "lead") for one in events),
        "is_bot": any(one["is_bot"] for one in events),
    }
    assert own.keys() <= row.keys()
    return row | own


def _time(one: Row) -> datetime:
    return one["event_timestamp"]


def facts(
    events: Sequence[Row] = (),
    *,
    sessions: dict[str, dict[str, Any]] | None = None,
    persons: dict[str, str] | None = None,
    **tables: list[Row],
) -> Facts:
    """Facts of these events, in an order that says nothing.

    Args:
        events: of which sessions and visitors are made.
        sessions: by session, what is not as its events say.
        persons: by visitor, whom it is known as.
        tables: rows of the other tables.
    """
    groups: dict[str, list[Row]] = {}
    for one in events:
        groups.setdefault(one["session_id"], []).append(one)
    shuffled = list(events)
    random.Random(4).shuffle(shuffled)
    visitors = sorted({one["visitor_id"] for one in events})
    return Facts(
        events=shuffled,
        sessions=[session_of(group, (sessions or {}).get(name, {})) for name, group in groups.items()],
        visitors=[
            {"visitor_id": visitor, "person_id": (persons or {}).get(visitor, visitor)}
            for visitor in visitors
        ],
        **tables,
    )


def mart(table: str, given: Facts, *columns: str, **settings: Any) -> list[tuple]:
    """The mart's rows in the order of its key: the named columns after the key, else all."""
    rows = marts_of_facts(given, Settings(**settings))[table]
    key = KEYS[table]
    for row in rows:
        assert tuple(row)[: len(key)] == key
    assert len({tuple(row[name] for name in key) for row in rows}) == len(rows)
    rows.sort(key=lambda row: [str(row[name]) if row[name] is None else row[name] for name in key])
    names = (*key, *columns) if columns else tuple(rows[0]) if rows else ()
    return [tuple(row[name] for name in names) for row in rows]


def d(text: str) -> Decimal:
    return Decimal(text)


# Numbers ----------------------------------------------------------------------------------------------------


def test_halves_are_rounded_away_from_zero() -> None:
    assert rounded(Fraction(1, 200), 2) == d("0.01")
    assert rounded(Fraction(-1, 200), 2) == d("-0.01")
    assert rounded(d("0.00499999"), 2) == 0
    assert str(rounded(2, 2)) == "2.00"
    assert ratio(1, 3) == d("0.3333")
    assert ratio(1, 20_000) == d("0.0001")  # 0.00005
    assert ratio(1, 0) is None
    assert average([], 2) is None
    assert seconds(5_000) == d("0.01")
    assert seconds(4_999) == 0


def test_percentile_is_the_smallest_value_whose_share_reaches_it() -> None:
    ten = list(range(10, 0, -1))
    assert [nearest_rank(ten, p) for p in (10, 11, 50, 51, 95, 100)] == [1, 2, 5, 6, 10, 10]
    assert nearest_rank([3, 1, 2], 50) == 2
    assert nearest_rank([7], 10) == 7
    assert nearest_rank([], 50) is None


def test_no_facts_no_rows() -> None:
    result = marts_of_facts(Facts(), Settings())
    assert result.keys() == KEYS.keys()
    assert not any(result.values())


# Funnels ----------------------------------------------------------------------------------------------------

AB = (Funnel("f", 60, (("one", "a"), ("two", "b"), ("three", "c"))),)


def funnel_counts(
    table: str, events: list[Row], funnels: tuple[Funnel, ...] = AB, **sessions: Any
) -> list[int]:
    rows = mart(table, facts(events, sessions=sessions), table.partition("_")[0] + "s", funnels=funnels)
    return [row[-1] for row in rows]


def test_session_funnel_row() -> None:
    events = [
        *(event("2 10:00", "product_view", visitor) for visitor in "pqr"),
        *(event("2 10:01", "add_to_cart", visitor) for visitor in "pq"),
        event("2 10:02", "purchase", "p"),
    ]
    assert mart("session_funnel", facts(events)) == [
        (on(2), "shop", 1, "product_view", 3, None, d("1")),
        (on(2), "shop", 2, "add_to_cart", 2, d("0.6667"), d("0.6667")),
        (on(2), "shop", 3, "checkout_start", 0, d("0"), d("0")),
        (on(2), "shop", 4, "purchase", 0, None, d("0")),
        (on(2), "shop_short", 1, "product_view", 3, None, d("1")),
        (on(2), "shop_short", 2, "add_to_cart", 2, d("0.6667"), d("0.6667")),
        (on(2), "shop_short", 3, "purchase", 1, d("0.5"), d("0.3333")),
    ]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("10:00 a, 10:30 b, 11:00 c", [1, 1, 1]),  # exactly the window
        ("10:00 a, 10:30 b, 11:00:00.000001 c", [1, 1, 0]),
        ("10:00 a, 10:50 a, 10:55 b, 11:40 c", [1, 1, 1]),  # from the second start
        ("10:00 a, 10:50 b, 11:10 a, 11:20 c", [1, 1, 0]),  # no start sees both
        ("10:00 b, 10:01 a, 10:02 c", [1, 0, 0]),
        ("10:00 a, 10:00 b, 10:00 c", [1, 1, 1]),  # one instant, in the order of the ids
        ("10:00 c, 10:00 b, 10:00 a", [1, 0, 0]),
        ("10:00 b, 10:01 c", []),
    ],
)
def test_session_funnel_chains(steps: str, expected: list[int]) -> None:
    events = [event(f"2 {clock}", action) for clock, action in (step.split() for step in steps.split(", "))]
    assert funnel_counts("session_funnel", events) == expected


def test_a_step_needs_an_event_of_its_own() -> None:
    twice = (Funnel("f", 60, (("one", "a"), ("two", "a"))),)
    assert funnel_counts("session_funnel", [event("2 10:00", "a")], twice) == [1, 0]
    assert funnel_counts("session_funnel", [event("2 10:00", "a"), event("2 10:00", "a")], twice) == [1, 1]


def test_session_funnel_counts_on_the_day_of_the_session() -> None:
    events = [event("1 23:50"), event("2 00:05", "a"), event("2 00:06", "b")]
    rows = mart("session_funnel", facts(events), "sessions", funnels=AB)
    assert rows == [(on(1), "f", 1, 1), (on(1), "f", 2, 1), (on(1), "f", 3, 0)]


def test_session_funnel_leaves_bots_out_and_takes_no_other_session() -> None:
    bots = [event("2 10:00", "a", "x", is_bot=True), event("2 10:01", "b", "x", is_bot=True)]
    two_sessions = [event("2 10:00", "a", session="s1"), event("2 10:40", "b", session="s2")]
    assert funnel_counts("session_funnel", bots + two_sessions) == [1, 0, 0]


def test_visitor_funnel_spans_sessions_for_seven_times_24_hours() -> None:
    events = [
        event("2 10:00", "a", session="s1"),
        event("3 10:00", "b", session="s2"),
        event("9 10:00", "c", session="s3"),
    ]
    assert funnel_counts("visitor_funnel", events) == [1, 1, 1]
    events[-1]["event_timestamp"] += timedelta(microseconds=1)
    assert funnel_counts("visitor_funnel", events) == [1, 1, 0]


def test_visitor_funnel_counts_a_visitor_once_per_day_of_the_start_by_its_deepest_chain() -> None:
    events = [
        event("2 10:00", "a"),  # b within 7 days, c not
        event("2 18:00", "a"),  # both
        event("5 10:00", "a"),  # b and c too
        event("6 10:00", "b"),
        event("9 17:00", "c"),
        event("9 10:00", "a", "w"),
    ]
    assert mart("visitor_funnel", facts(events), "visitors", "conversion_from_start", funnels=AB) == [
        (on(2), "f", 1, 1, d("1")),
        (on(2), "f", 2, 1, d("1")),
        (on(2), "f", 3, 1, d("1")),
        (on(5), "f", 1, 1, d("1")),
        (on(5), "f", 2, 1, d("1")),
        (on(5), "f", 3, 1, d("1")),
        (on(9), "f", 1, 1, d("1")),
        (on(9), "f", 2, 0, d("0")),
        (on(9), "f", 3, 0, d("0")),
    ]


@pytest.mark.parametrize("seed", range(40))
def test_the_deepest_chain_is_that_of_all_choices_of_events(seed: int) -> None:
    chance = random.Random(seed)
    minutes = sorted(chance.choices(range(60), k=9))
    events = [event(f"2 10:{minute:02}", chance.choice("abc")) for minute in minutes]
    window = timedelta(minutes=chance.choice((10, 20, 30)))
    for start, depth in chains(events, AB[0], window):
        possible = [
            size
            for size in (1, 2, 3)
            for chosen in combinations(events, size)
            if chosen[0] is start
            and [one["event_action"] for one in chosen] == list("abc")[:size]
            and chosen[-1]["event_timestamp"] - start["event_timestamp"] <= window
        ]
        assert depth == max(possible)


# Tours ------------------------------------------------------------------------------------------------------


def test_daily_space_engagement() -> None:
    house = {"space_id": "house"}
    events = [
        event("2 10:00:00", "space_view", session="s1", space_name="A", **house),
        event("2 10:00:10", "room_view", session="s1", space_name="B", space_type="villa", **house),
        event("2 10:00:30.5", "page_view", session="s1"),  # elsewhere: ends the time in the house
        event("2 10:00:40", "click", session="s1", **house),  # the last: adds nothing
        event("2 12:00:00", "space_view", session="s2", **house),  # a session of 0 s
        event("2 13:00:00", "space_view", "w", space_id="barn"),
        event("2 13:00:00", "space_view", "x", is_bot=True, **house),
    ]
    assert mart("daily_space_engagement", facts(events)) == [
        (on(2), "barn", None, None, 1, 1, 1, 0, 1, d("1"), d("0")),
        # (30.5 + 0) ÷ 2 sessions
        (on(2), "house", "B", "villa", 2, 1, 2, 1, 4, d("1"), d("15.25")),
    ]


def test_time_on_a_space_counts_on_the_day_of_the_earlier_event() -> None:
    events = [
        event("1 23:59:50", "space_view", space_id="house"),
        event("2 00:00:05", "space_view", space_id="house"),
        event("2 00:00:08", "page_view"),
    ]
    columns = ("unique_sessions", "avg_time_on_space")
    assert mart("daily_space_engagement", facts(events), *columns) == [
        (on(1), "house", 1, d("15")),
        (on(2), "house", 1, d("3")),
    ]


def test_time_on_space_is_rounded_once() -> None:
    # 0.005 s of two sessions is 0.0025 on average; 0.01 s is 0.005, which is rounded up.
    for gap, expected in (("0.005", "0.00"), ("0.010", "0.01")):
        events = [
            event("2 10:00:00", "space_view", session="s1", space_id="house"),
            event(f"2 10:00:0{gap}", session="s1"),
            event("2 11:00:00", "space_view", session="s2", space_id="house"),
        ]
        assert mart("daily_space_engagement", facts(events), "avg_time_on_space") == [
            (on(2), "house", d(expected))
        ]


@pytest.mark.parametrize(
    ("pitch", "yaw", "hfov", "level"),
    [
        (None, None, None, "no_3d_data"),
        (None, None, 90.0, "low_exploration"),
        (0.0, 0.0, None, "low_exploration"),
        (15.0, -90.0, None, "low_exploration"),
        (-15.1, None, None, "medium_exploration"),
        (None, 90.1, None, "medium_exploration"),
        (45.0, 180.0, None, "medium_exploration"),
        (-45.1, 0.0, None, "high_exploration"),
        (0.0, -180.1, None, "high_exploration"),
    ],
)
def test_exploration_level(pitch: float | None, yaw: float | None, hfov: float | None, level: str) -> None:
    assert exploration_level({"pitch": pitch, "yaw": yaw, "hfov": hfov}) == level


def test_spatial_analytics() -> None:
    def looked(when: str, session: str, *angles: float | None, **own: Any) -> Row:
        coordinates = dict(zip(("pitch", "yaw", "hfov"), angles, strict=True)) if angles else None
        return event(when, "room_view", session=session, coordinates=coordinates, **own)

    kitchen = {"space_id": "house", "room_id": "kitchen"}
    events = [
        looked("2 10:00", "s1", 10.0, 20.0, None, room_name="Kitchen", **kitchen),
        looked("2 10:01", "s1", None, 40.0, 90.0, room_name="kitchen", **kitchen),
        looked("2 10:02", "s2", 0.0, None, 60.0, **kitchen),
        looked("2 10:03", "s1", 50.0, 0.0, 60.0, **kitchen),
        looked("2 10:04", "s1"),
        looked("2 10:05", "s1", None, None, None),
        event("2 10:06", "space_view", session="s1", **kitchen),
    ]
    assert mart("spatial_analytics", facts(events)) == [
        (on(2), "(unknown)", "(unknown)", "no_3d_data", None, 2, 1, None, None, None),
        (on(2), "house", "kitchen", "high_exploration", None, 1, 1, 50.0, 0.0, 60.0),
        (on(2), "house", "kitchen", "low_exploration", "kitchen", 3, 2, 5.0, 30.0, 75.0),
    ]


# Journeys ---------------------------------------------------------------------------------------------------


def test_user_journey_analysis() -> None:
    events = [
        event("1 23:59:50", session="s1"),
        event("2 00:00:20.3", "lead", session="s1"),
        event("1 10:00", "page_view", "w", "s2"),
        event("1 11:00", "page_view", "x", "s3", is_bot=True),
    ]
    # 30.3 s and 0 s: 15.15 s is 0.2525 minutes.
    assert mart("user_journey_analysis", facts(events)) == [
        (on(1), "browse", "low", 2, d("0.25"), d("0.5")),
    ]
    split_up = facts(events, sessions={"s2": {"journey_type": "tour", "engagement_tier": "bounce"}})
    assert mart("user_journey_analysis", split_up) == [
        (on(1), "browse", "low", 1, d("0.51"), d("1")),  # 0.505: not of the 30 whole seconds, which are 0.50
        (on(1), "tour", "bounce", 1, d("0"), d("0")),
    ]


def test_journey_milestones() -> None:
    space = {"space_id": "house"}
    events = [
        event(
            "1 23:50", "space_view", session="s1", referrer_host="google.com", **space
        ),  # referral comes first
        event("1 23:51", "room_view", session="s1", **space),
        event("1 23:52", "room_view", session="s1"),  # no space
        event("1 23:53", "click", session="s1", **space),  # no view
        event("2 00:01", "page_view", session="s1", referrer_host="google.com"),  # not the first
        event("2 00:02", "click", session="s1"),  # the last of 6
        *(event(f"2 10:0{minute}", session="s2") for minute in range(5)),  # 5 are not more than 5
    ]
    assert mart("journey_milestones", facts(events)) == [
        (on(1), "external_referral_entry", 1, 1),
        (on(1), "navigation", 2, 1),
        (on(1), "space_exploration", 1, 1),
        (on(2), "engaged_exit", 1, 1),
        (on(2), "navigation", 6, 2),
    ]


def test_page_performance() -> None:
    events = [
        event("1 23:59:00", session="s1", page_path="/a"),
        event("1 23:59:10", "click", session="s1"),  # no page; 10 s of /a
        event("2 00:00:10.005", "click", session="s1", page_path="/a"),  # no view, 60 s at most
        event("2 00:02:00", "purchase", session="s1", page_path="/b"),
        event("2 10:00:00", "screen_view", "w", page_path="/b"),
        event("2 10:00:00", "page_view", "x", page_path="/b", is_bot=True),
        event("2 11:00:00", "page_view", "y"),  # a session without a page
    ]
    assert mart("page_performance", facts(events)) == [
        (on(1), "/a", 1, 1, 1, 1, 0, 1, d("10"), 1, d("0"), d("1")),
        (on(2), "/a", 0, 1, 1, 0, 0, 0, d("60"), 0, None, None),
        # Views 1 (a purchase is none), exits 2: of s1 and of w's only page.
        (on(2), "/b", 1, 2, 2, 1, 2, 1, d("0"), 0, d("2"), d("1")),
    ]


def test_a_bounce_is_a_session_of_one_page_view_however_many_events_it_has() -> None:
    events = [
        event("2 10:00:00", page_path="/a", session="one"),
        event("2 10:00:02.005", "click", page_path="/a", session="one"),
        event("2 11:00", page_path="/a", session="two"),
        event("2 11:01", page_path="/a", session="two"),
        event("2 11:01", page_path="/a", session="two"),
        event("2 12:00", "click", page_path="/a", session="none"),
    ]
    columns = ("views", "entrances", "exits", "bounces", "engaged_seconds", "bounce_rate", "exit_rate")
    assert mart("page_performance", facts(events), *columns) == [
        (on(2), "/a", 4, 3, 3, 1, d("62.01"), d("0.3333"), d("0.75")),  # 2.005 s + 60 s
    ]


def test_page_transitions() -> None:
    events = [
        event("1 23:58", session="s1", page_path="/a"),
        event("1 23:59", "click", session="s1", page_path="/a"),  # after itself
        event("2 00:00", "click", session="s1"),  # without a page
        event("2 00:01", "click", session="s1", page_path="/b"),
        event("2 00:02", session="s1", page_path="/a"),
        event("2 00:03", session="s1", page_path="/b"),
        event("1 10:00", "page_view", "w", "s2", page_path="/a"),
        event("1 10:00", "page_view", "x", "s3"),
    ]
    assert mart("page_transitions", facts(events)) == [
        (on(1), "(entry)", "/a", 2, 2),
        (on(1), "/a", "(exit)", 1, 1),
        (on(1), "/a", "/b", 2, 1),
        (on(1), "/b", "(exit)", 1, 1),
        (on(1), "/b", "/a", 1, 1),
    ]


# Growth -----------------------------------------------------------------------------------------------------


def test_user_activity() -> None:
    events = [
        event("1 10:00", "page_view", "v", "bot", is_bot=True),  # a bot's day is no first day
        event("2 23:59", "page_view", "v", "s1"),
        event("3 00:01", "page_view", "v", "s1"),
        event("3 10:00", "page_view", "w", "s2"),
        event("3 11:00", "page_view", "y", "s3", user_id="ann"),
    ]
    # v and w are ann today, y says so itself: one person.
    given = facts(events, persons={"v": "ann", "w": "ann"})
    assert mart("user_activity", given) == [
        (on(2), 1, 1, 1, 0, 1),
        (on(3), 3, 3, 2, 1, 1),
    ]


def test_cohorts_as_of_each_day() -> None:
    events = [
        event("3 10:00", "page_view", "v"),  # Wednesday of the first week
        event("6 10:00", "page_view", "w"),  # its Saturday
        event("6 11:00", "page_view", "w2"),  # the same person as w
        event("8 10:00", "page_view", "v"),  # Monday of the second
        event("10 10:00", "page_view", "x"),
        event("17 10:00", "page_view", "v"),  # the third
    ]
    given = facts(events, persons={"w2": "w"})
    week1, week2 = on(1), on(8)
    rows = mart("daily_cohort_analysis", given)
    assert rows[0] == (on(3), week1, 0, 1, 1, d("1"))  # nothing before the first visit
    by_day = {day: [row[1:] for row in rows if row[0] == on(day)] for day in range(3, 18)}
    assert by_day[5] == [(week1, 0, 1, 1, d("1"))]
    assert by_day[6] == [(week1, 0, 2, 2, d("1"))]
    assert by_day[7] == by_day[6]
    # On the 9th nobody of the second week's first visits was seen yet.
    assert by_day[9] == [(week1, 0, 2, 2, d("1")), (week1, 1, 2, 1, d("0.5"))]
    assert by_day[16] == [
        (week1, 0, 2, 2, d("1")),
        (week1, 1, 2, 1, d("0.5")),
        (week1, 2, 2, 0, d("0")),
        (week2, 0, 1, 1, d("1")),
        (week2, 1, 1, 0, d("0")),
    ]
    assert by_day[17][2] == (week1, 2, 2, 1, d("0.5"))
    assert len(rows) == sum(map(len, by_day.values()))


def test_cohorts_are_analysed_on_the_last_28_days() -> None:
    events = [event("1 10:00"), event("40 10:00"), event("41 10:00", "page_view", "x", is_bot=True)]
    days = sorted({row[0] for row in mart("daily_cohort_analysis", facts(events))})
    assert days == [on(day) for day in range(13, 41)]


def test_retention_daily() -> None:
    events = [
        event("1 23:59"),
        event("2 00:01"),
        event("1 10:00", "page_view", "w"),
        event("31 10:00", "page_view", "w"),
        event("32 10:00", "page_view", "x"),
    ]
    rows = {row[:2]: row[2:] for row in mart("retention_daily", facts(events))}
    assert rows[on(1), 0] == (2, 2, d("1"))
    assert rows[on(1), 1] == (2, 1, d("0.5"))
    assert rows[on(1), 2] == (2, 0, d("0"))
    assert rows[on(1), 30] == (2, 1, d("0.5"))
    assert rows[on(32), 0] == (1, 1, d("1"))
    assert len(rows) == 31 + 1  # 30 days at most, and as many as there are


def test_retention_is_by_visitor_whoever_the_visitors_are() -> None:
    events = [
        event("1 10:00", "page_view", "v", user_id="ann"),
        event("2 10:00", "page_view", "w", user_id="ann"),
    ]
    assert mart("retention_daily", facts(events), "cohort_size", "retained_users") == [
        (on(1), 0, 1, 1),
        (on(1), 1, 1, 0),
        (on(2), 0, 1, 1),
    ]


def test_user_lifecycle() -> None:
    events = [
        event("1 10:00", "page_view", "v"),
        event("7 10:00", "page_view", "w"),  # Sunday: the same week
        event("8 10:00", "page_view", "v"),
        event("8 10:00", "page_view", "x"),
        event("29 10:00", "page_view", "w"),
        event("29 10:00", "page_view", "z", is_bot=True),
    ]
    assert mart("user_lifecycle", facts(events)) == [
        (on(1), 2, 0, 0, 0),
        (on(8), 1, 1, 0, 1),
        (on(15), 0, 0, 0, 2),
        (on(22), 0, 0, 0, 0),
        (on(29), 0, 0, 1, 0),
    ]


def test_stickiness() -> None:
    events = [
        event("1 10:00", "page_view", "v"),
        event("2 10:00", "page_view", "w"),
        event("2 10:00", "page_view", "w2"),
        event("40 10:00", "page_view", "v"),
    ]
    rows = {row[0]: row[1:] for row in mart("stickiness", facts(events, persons={"w2": "w"}))}
    assert len(rows) == 40
    assert rows[on(1)] == (1, 1, 1, d("1"))
    assert rows[on(2)] == (1, 2, 2, d("0.5"))
    assert rows[on(3)] == (0, 2, 2, d("0"))
    assert rows[on(7)] == (0, 2, 2, d("0"))
    assert rows[on(8)] == (0, 1, 2, d("0"))
    assert rows[on(30)] == (0, 0, 2, d("0"))
    assert rows[on(31)] == (0, 0, 1, d("0"))
    assert rows[on(32)] == (0, 0, 0, None)
    assert rows[on(40)] == (1, 1, 1, d("1"))


# Attribution ------------------------------------------------------------------------------------------------


def credits_of(given: Facts, model: str) -> dict[str, tuple[Decimal, Decimal]]:
    rows = mart("channel_attribution", given)
    return {channel: (credit, money) for _, channel, name, credit, money in rows if name == model}


def visits(*channels: str, revenue: str = "10.00") -> Facts:
    """A visit on each day from the 1st, by its channel, with a purchase in the last."""
    events = [event(f"{day} 10:00", session=f"s{day}") for day, _ in enumerate(channels, start=1)]
    last = len(channels)
    events.append(event(f"{last} 10:05", "purchase", session=f"s{last}", revenue=d(revenue)))
    names = {f"s{day}": {"channel": channel} for day, channel in enumerate(channels, start=1)}
    return facts(events, sessions=names)


def test_attribution_models() -> None:
    given = visits("Email", "Display", "Referral", "Direct")
    assert credits_of(given, "first_touch") == {"Email": (d("1"), d("10"))}
    assert credits_of(given, "last_touch") == {"Direct": (d("1"), d("10"))}
    assert credits_of(given, "last_non_direct") == {"Referral": (d("1"), d("10"))}
    quarter = (d("0.25"), d("2.50"))
    assert credits_of(given, "linear") == dict.fromkeys(("Email", "Display", "Referral", "Direct"), quarter)
    assert credits_of(given, "position_based") == {
        "Email": (d("0.4"), d("4")),
        "Display": (d("0.1"), d("1")),
        "Referral": (d("0.1"), d("1")),
        "Direct": (d("0.4"), d("4")),
    }
    assert {row[0] for row in mart("channel_attribution", given)} == {on(4)}


def test_the_last_touch_takes_the_remainder() -> None:
    given = visits("Email", "Display", "Referral", revenue="0.05")
    assert credits_of(given, "linear") == {
        "Email": (d("0.333333"), d("0.02")),
        "Display": (d("0.333333"), d("0.02")),
        "Referral": (d("0.333334"), d("0.01")),
    }
    assert split(d("1"), [Fraction(1, 6)] * 6, 6) == [d("0.166667")] * 5 + [d("0.166665")]
    # Shares of money are exact ones, not those rounded to 6 decimals: a third of 3,000,000.00.
    assert split(d("3000000.00"), [Fraction(1, 3)] * 3, 2) == [d("1000000.00")] * 3
    assert split(d("0.02"), [Fraction(1, 4)] * 4, 2) == [d("0.01")] * 3 + [d("-0.01")]


def test_attribution_of_few_touches() -> None:
    for model in ("first_touch", "last_touch", "last_non_direct", "linear", "position_based"):
        assert credits_of(visits("Direct"), model) == {"Direct": (d("1"), d("10"))}, model
    assert credits_of(visits("Direct", "Direct"), "last_non_direct") == {"Direct": (d("1"), d("10"))}
    half = (d("0.5"), d("5"))
    assert credits_of(visits("Email", "Direct"), "position_based") == {"Email": half, "Direct": half}
    assert models(["a"] * 3)["position_based"] == [Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)]


def test_credits_of_one_channel_add_up() -> None:
    assert credits_of(visits("Email", "Email", "Direct"), "linear") == {
        "Email": (d("0.666666"), d("6.66")),
        "Direct": (d("0.333334"), d("3.34")),
    }


def test_attribution_window_is_30_times_24_hours_and_inclusive() -> None:
    def given(first: str) -> Facts:
        events = [
            event(first, session="s1"),
            event("32 10:00", session="s2"),
            event("32 10:05", "purchase", session="s2"),
            event("32 11:00", session="s3"),  # after the purchase
            event("5 10:00", "page_view", "v", "bot", is_bot=True),
            event("5 10:00", "page_view", "w", "other"),
        ]
        names = ("s1", "s2", "s3", "bot", "other")
        return facts(events, sessions={name: {"channel": name} for name in names})

    half = (d("0.5"), d("0"))
    assert credits_of(given("2 10:05"), "linear") == {"s1": half, "s2": half}
    assert credits_of(given("2 10:04:59.999999"), "linear") == {"s2": (d("1"), d("0"))}


def test_each_purchase_is_credited_and_only_purchases() -> None:
    events = [
        event("1 10:00", "lead", session="s1"),
        event("2 23:59", "purchase", session="s2", revenue=d("3.00")),
        event("3 00:01", "purchase", session="s2", revenue=d("4.00")),
        event("3 00:02", "purchase", session="s2", revenue=d("0.00")),
        event("3 00:02", "purchase", "x", "s3", revenue=d("9.00"), is_bot=True),
    ]
    rows = [row for row in mart("channel_attribution", facts(events)) if row[2] == "linear"]
    assert rows == [
        (on(2), "Direct", "linear", d("1"), d("3")),
        (on(3), "Direct", "linear", d("2"), d("4")),
    ]


# Observability ----------------------------------------------------------------------------------------------


def test_data_quality_daily_keeps_bots() -> None:
    scores = ["0.5", "0.4999", "0.3", *["1"] * 17]
    events = [event("2 10:00", data_quality_score=d(score)) for score in scores]
    events[0] |= {"is_bot": True, "session_id": "bot"}
    events[1]["timestamp_source"] = "arrival"
    events.append(event("2 10:00", source_format="segment", data_quality_score=d("0.12345")))
    assert mart("data_quality_daily", facts(events)) == [
        # The mean is 18.2999 ÷ 20 = 0.914995; the second of 20 has reached 10 %.
        (on(2), "legacy", 20, d("0.9150"), d("0.4999"), 2, 1, 1),
        (on(2), "segment", 1, d("0.1235"), d("0.12345"), 1, 0, 0),
    ]


def test_data_quality_rules_daily() -> None:
    events = [
        event("2 10:00", "purchase", failed_rules="has_own_id,has_price"),
        event("2 10:00", "purchase", is_bot=True),
        event("2 10:00", None, failed_rules="has_user_agent"),
    ]
    rows = {row[2]: row[3:] for row in mart("data_quality_rules_daily", facts(events))}
    assert rows == {
        "has_own_id": (3, 1),
        "has_own_time": (3, 0),
        "time_is_plausible": (3, 0),
        "arrived_in_time": (3, 0),
        "has_user_agent": (3, 1),
        "has_source_session": (3, 0),
        "has_product": (2, 0),
        "has_price": (2, 1),
        "has_quantity": (2, 0),
    }


def test_which_rules_apply_to_which_action() -> None:
    def own_rules(action: str) -> set[str]:
        rows = mart("data_quality_rules_daily", facts([event("2 10:00", action)]))
        return {rule for _, _, rule, *_ in rows} - {
            "has_own_id", "has_own_time", "time_is_plausible", "arrived_in_time", "has_user_agent",
            "has_source_session",
        }  # fmt: skip

    assert own_rules("page_view") == {"has_page"}
    assert own_rules("screen_view") == set()
    assert own_rules("product_list_view") == {"has_page"}
    assert own_rules("product_view") == {"has_page", "has_product"}
    assert own_rules("space_view") == {"has_page", "has_space"}
    assert own_rules("room_view") == {"has_space", "has_coordinates"}
    assert own_rules("add_to_cart") == {"has_product", "has_quantity"}
    assert own_rules("remove_from_cart") == {"has_product"}
    assert own_rules("purchase") == {"has_product", "has_price", "has_quantity"}


def test_unknown_events() -> None:
    events = [
        event("2 10:00", None, event_type="track", event_name="spin"),
        event("1 10:00", None, event_type="track", event_name="spin"),
        event("3 10:00", None, event_type="track", event_name="Spin"),
        event("2 10:00", None, event_type="wave", event_name=None),
        event("4 10:00", None, event_type="track", event_name="spin", is_bot=True),
        event("4 10:00", "other", event_type="track", event_name="spin"),
    ]
    assert mart("unknown_events", facts(events)) == [
        ("track", "Spin", at("3 10:00"), at("3 10:00"), 1),
        ("track", "spin", at("1 10:00"), at("2 10:00"), 2),
        ("wave", None, at("2 10:00"), at("2 10:00"), 1),
    ]


def load(when: str, uri: str, records: int, etag: str = "1", **own: Any) -> Row:
    row = {
        "dataset": "web_events",
        "batch_id": "b1",
        "source": "firehose",
        "source_uri": uri,
        "source_etag": etag,
        "source_modified_at": at(when),
        "record_count": records,
        "malformed_count": 0,
        "loaded_at": at(when),
    }
    return row | own


def staged(loaded: Row, reason: str | None = None, when: str = "2 10:00") -> Row:
    names = ("source", "source_uri", "source_etag", "source_modified_at", "loaded_at", "batch_id")
    return {name: loaded[name] for name in names} | {
        "rejection_reason": reason,
        "event_timestamp": at(when),
    }


def test_pipeline_health() -> None:
    first, second = load("2 10:59:59", "a", 100), load("2 10:15", "b", 100, batch_id="b2")
    loads = [
        first,
        second,
        load("2 11:00", "c", 0),
        load("2 10:30", "d", 7, source="historical"),
        load("2 10:30", "e", 5, dataset="reviews"),
    ]
    records = [staged(first, "not_json_object"), staged(second, "future_event")]
    # Delays of 5, 900 and 901 s, the last cut.
    records += [staged(second, when=f"2 {clock}") for clock in ("10:14:55", "10:00", "09:59:58.1")]
    event_at_ten = {"loaded_at": at("2 10:15"), "data_quality_score": d("0.8")}
    events = [event("2 10:00", **event_at_ten), event("2 10:00", is_bot=True, **event_at_ten)]
    given = facts(events, loads=loads, staged=records)
    # 2 ÷ 200 is not above 1 %, 900 s is not above 15 minutes, 0.8 is not below 0.8.
    hour, no_events = at("2 10:00"), (None, None, None, "ok", "ok", "ok")
    assert mart("pipeline_health", given) == [
        (hour, "firehose", 2, 2, 200, 1, 2, d("0.01"), 900, 901, d("0.8"), "ok", "ok", "ok"),
        (hour, "historical", 1, 1, 7, 0, 0, d("0"), *no_events),
        (at("2 11:00"), "firehose", 1, 1, 0, 0, 0, None, *no_events),
    ]
    given.events[0]["data_quality_score"] = d("0.7999")
    given.staged.append(staged(second, when="2 09:00"))
    given.staged.append(staged(second, when="2 09:00"))
    given.staged.append(staged(first, "not_json_object"))
    columns = ("median_delay_seconds", "p95_delay_seconds", "average_score")
    statuses = ("delay_status", "error_rate_status", "score_status")
    assert mart("pipeline_health", given, *columns, *statuses)[0] == (
        (hour, "firehose", 901, 4500, d("0.8"), "breach", "breach", "breach")  # 0.79995, rounded up
    )


def test_a_delay_before_the_event_is_cut_towards_nothing() -> None:
    loaded = load("2 10:00", "a", 1)
    given = facts([event("2 10:00")], loads=[loaded], staged=[staged(loaded, when="2 10:00:01.9")])
    assert mart("pipeline_health", given, "median_delay_seconds") == [(at("2 10:00"), "firehose", -1)]


def test_a_replaced_object_counts_its_records_but_rejects_none() -> None:
    old, new = load("2 10:00", "a", 10, "1"), load("2 12:00", "a", 10, "2")
    given = facts(
        [event("2 10:00")],
        loads=[old, new],
        staged=[staged(old, "unknown_format"), staged(new, "unknown_format"), staged(new), staged(new)],
    )
    assert mart("pipeline_health", given, "record_count", "rejected_count") == [
        (at("2 10:00"), "firehose", 10, 0),
        (at("2 12:00"), "firehose", 10, 1),
    ]
    assert mart("daily_kpis", given, "rejected_share") == [(on(2), d("0.25"))]


def test_an_object_from_before_2000_was_modified_when_it_was_loaded() -> None:
    old = load("2 10:00", "a", 10, "1")
    new = load("3 10:00", "a", 10, "2", source_modified_at=datetime(1980, 1, 1))
    given = facts([event("2 10:00")], loads=[old, new], staged=[staged(old, "unknown_format")])
    assert [row[-1] for row in mart("pipeline_health", given, "rejected_count")] == [0, 0]


def found(values: Sequence[int], days: Sequence[int] | None = None) -> list[tuple]:
    """The anomalies of days with these numbers of records: the days from the first on unless named."""
    loads = [
        load(f"{day} 10:00", f"o{day}", value) for day, value in zip(days or count(1), values, strict=False)
    ]
    rows = mart("anomalies", facts(loads=loads))
    assert {row[1] for row in rows} <= {"records"}
    return [(row[0], *row[2:]) for row in rows]


def test_anomaly_needs_14_days_before() -> None:
    assert found([100] * 13 + [500]) == []
    assert found([100] * 14 + [500]) == [(on(15), d("500"), d("100"), d("5"), "above")]
    assert found([100] * 14 + [50]) == [(on(15), d("50"), d("100"), d("5"), "below")]


def test_anomaly_is_outside_the_band_and_not_on_it() -> None:
    assert found([100] * 14 + [105]) == []
    assert found([100] * 14 + [106]) == [(on(15), d("106"), d("100"), d("5"), "above")]
    # The deviations from 100 are 0, 0, 1, 1, 2, 2, 3, 3 and more: 4 × 3 is more than 5 % of 100.
    varied = [94, 95, 96, 97, 98, 99, 100, 100, 101, 102, 103, 104, 105, 106]
    assert found([*varied, 112]) == []
    assert found([*varied, 113]) == [(on(15), d("113"), d("100"), d("12"), "above")]


def test_anomaly_band_of_a_count_is_at_least_1() -> None:
    assert found([10] * 14 + [11]) == []
    assert found([10] * 14 + [12]) == [(on(15), d("12"), d("10"), d("1"), "above")]
    assert found([1000] * 14 + [1050]) == []
    assert found([1000] * 14 + [1051]) == [(on(15), d("1051"), d("1000"), d("50"), "above")]


def test_anomaly_looks_back_28_days() -> None:
    # Of 14 and 14 the lower of the two in the middle counts; a 29th day would make it 200.
    assert found([200] + [100] * 14 + [200] * 14 + [106])[-1] == (on(30), d("106"), d("100"), d("5"), "above")
    # Days without data are no zeros: 14 days of the 28 before the 29th, 13 of those before the 30th.
    every_other = [100] * 14
    assert found([*every_other, 500], [*range(1, 29, 2), 29]) == [
        (on(29), d("500"), d("100"), d("5"), "above")
    ]
    assert found([*every_other, 500], [*range(1, 29, 2), 30]) == []


def test_anomalies_of_people() -> None:
    def usual(day: int) -> list[Row]:
        return [event(f"{day} 10:00", "page_view", f"v{number}", f"{day}-{number}") for number in range(4)]

    events = [one for day in range(1, 15) for one in usual(day)]
    odd = [
        event("14 23:59", "page_view", "v9", "over midnight"),
        event("15 00:01", "page_view", "v9", "over midnight"),
        *(event("15 10:00", "page_view", f"v{number}", f"15-{number}") for number in range(8)),
        event("15 10:01", "purchase", "v0", "15-0", revenue=d("99.00")),
        *(event("15 10:00", "page_view", f"x{number}", is_bot=True) for number in range(50)),
    ]
    assert mart("anomalies", facts(events + odd)) == [
        (on(15), "events", d("10"), d("4"), d("1"), "above"),
        (on(15), "revenue", d("99"), d("0"), d("1"), "above"),
        (on(15), "sessions", d("9"), d("4"), d("1"), "above"),
    ]


def test_anomalous_shares_and_scores() -> None:
    """The 15th: 2 of 10 records rejected, 2 of 4 are copies; before it one of 100 and none."""
    loads, records, events = [], [], []
    for day in range(1, 15):
        loaded = load(f"{day} 10:00", f"o{day}", 100)
        loads.append(loaded)
        records += [staged(loaded, "unknown_format"), staged(loaded, when=f"{day} 10:00")]
        events.append(event(f"{day} 10:00", data_quality_score=d("0.9") + d(day) / 1000))
    loaded, old = load("15 10:00", "o15", 4), load("15 09:00", "o15", 6, "0")
    loads += [loaded, old, load("15 10:00", "o15", 90, "9", dataset="products")]
    records += [staged(loaded, "unknown_format")] * 2 + [staged(loaded, when="15 10:00")] * 4
    records += [staged(old, "unknown_format"), staged(old, when="15 10:00")]
    events += [event("15 10:00", data_quality_score=d("0.5")), event("15 10:00", is_bot=True)]
    assert [
        row for row in mart("anomalies", facts(events, loads=loads, staged=records)) if row[1] != "events"
    ] == [
        (on(15), "duplicate_share", d("0.5"), d("0"), d("0.01"), "above"),
        (on(15), "records", d("10"), d("100"), d("5"), "below"),
        (on(15), "reject_share", d("0.2"), d("0.01"), d("0.01"), "above"),
        # The seventh of 0.901 to 0.914; 5 % of it are more than 4 × 0.003.
        (on(15), "score", d("0.5"), d("0.907"), d("0.0454"), "below"),
    ]


# Key figures and baskets ------------------------------------------------------------------------------------


def order(name: str, day: int, amount: str, status: str = "completed") -> Row:
    return {
        "transaction_id": name,
        "transaction_date": on(day),
        "total_amount": d(amount),
        "status": status,
    }


def test_daily_kpis() -> None:
    events = [
        event("1 23:59", "screen_view", session="s1", data_quality_score=d("0.5")),
        event("2 00:01", "purchase", session="s1", revenue=d("7.50")),
        event("2 10:00", "space_view", "w", "s2", data_quality_score=d("0.9999")),
        event("2 10:00", "page_view", "x", "s3", is_bot=True, data_quality_score=d("0")),
        event("5 10:00", "purchase", "y", "s4", is_bot=True, revenue=d("9.00")),
    ]
    transactions = [
        order("t1", 2, "10.00"),
        order("t2", 2, "0.05"),
        order("t3", 2, "99.00", "refunded"),
        order("t4", 4, "5.00", "returned"),
    ]
    loaded = load("2 10:00", "a", 3)
    early = loaded | {"source_uri": "b", "source_modified_at": at("1 23:59")}
    given = facts(
        events,
        transactions=transactions,
        loads=[loaded, early],
        staged=[staged(loaded), staged(loaded), staged(loaded, "unknown_format"), staged(early)],
    )
    zero = d("0")
    assert mart("daily_kpis", given) == [
        # sessions, visitors, views, purchases, revenue, orders, revenue, conversion, score, rejected, bots
        (on(1), 1, 1, 1, 0, zero, 0, zero, d("1"), d("0.5"), zero, zero),
        (on(2), 1, 2, 1, 1, d("7.5"), 2, d("10.05"), zero, d("1"), d("0.3333"), d("0.3333")),
        (on(4), 0, 0, 0, 0, zero, 0, zero, None, None, None, None),
        (on(5), 0, 0, 0, 0, zero, 0, zero, None, None, None, d("1")),
    ]


def bought(session: str, *products: str | None, action: str = "purchase", is_bot: bool = False) -> list[Row]:
    return [
        {"session_id": session, "event_action": action, "product_id": product, "is_bot": is_bot}
        for product in products
    ]


def test_product_affinity() -> None:
    events = [
        event("2 10:00", "purchase", session="s1"),
        event("2 10:01", "purchase", session="s1"),
        event("2 10:00", "purchase", session="s2"),
        event("2 10:00", "purchase", session="s3"),
        event("2 10:00", "purchase", session="s4"),
        event("2 10:00", "purchase", session="s5"),  # names no product
        event("2 10:00", "add_to_cart", session="s6"),
        event("2 10:00", "purchase", session="s7", is_bot=True),
    ]
    lines = [
        *bought("s1", "a", "a"),
        *bought("s1", "b", None),  # another purchase of the session
        *bought("s2", "a", "b", "c"),
        *bought("s2", "d", action="add_to_cart"),
        *bought("s3", "a", "d"),
        *bought("s4", "b", "c", "d"),
        *bought("s6", "a", "d", action="add_to_cart"),
        *bought("s7", "a", "d", is_bot=True),
    ]
    # Of 5 baskets a is in 3, b in 3, c in 2, d in 2.
    assert mart("product_affinity", facts(events, lines=lines)) == [
        ("a", "b", 2, d("0.4"), d("0.6667"), d("1.1111")),  # 2 × 5 ÷ (3 × 3), not 0.6667 ÷ 0.6
        ("b", "a", 2, d("0.4"), d("0.6667"), d("1.1111")),
        ("b", "c", 2, d("0.4"), d("0.6667"), d("1.6667")),
        ("c", "b", 2, d("0.4"), d("1"), d("1.6667")),
    ]


# A random history ------------------------------------------------------------------------------------------


def random_facts(seed: int) -> Facts:
    chance = random.Random(seed)
    actions = (
        "page_view",
        "space_view",
        "room_view",
        "product_view",
        "add_to_cart",
        "purchase",
        "lead",
        None,
    )
    events = []
    for _ in range(300):
        visitor, day = f"v{chance.randrange(12)}", chance.randrange(1, 60)
        action = chance.choice(actions)
        events.append(
            event(
                f"{day} {chance.randrange(24):02}:{chance.randrange(60):02}",
                action,
                visitor,
                f"{visitor}-{day}",
                page_path=chance.choice(("/a", "/b", "/c", None)),
                space_id=chance.choice(("house", None)),
                user_id=chance.choice(("ann", None, None)),
                revenue=d(chance.randrange(1, 9999)) / 100 if action == "purchase" else None,
            )
        )
    names = {one["session_id"]: {"channel": chance.choice(("Direct", "Email", "Display"))} for one in events}
    return facts(events, sessions=names, persons={"v1": "ann", "v2": "bob", "v3": "bob"})


@pytest.mark.parametrize("seed", range(5))
def test_the_marts_agree_with_each_other(seed: int) -> None:
    given = random_facts(seed)
    result = marts_of_facts(given, Settings())
    purchases = [one for one in given.events if one["event_action"] == "purchase"]
    for model in {row["model"] for row in result["channel_attribution"]}:
        rows = [row for row in result["channel_attribution"] if row["model"] == model]
        assert sum(row["conversions"] for row in rows) == len(purchases)
        assert sum(row["revenue"] for row in rows) == sum(one["revenue"] for one in purchases)
    activity = {row["event_date"]: row for row in result["user_activity"]}
    for row in result["stickiness"]:
        assert row["dau"] == (
            activity[row["event_date"]]["unique_persons"] if row["event_date"] in activity else 0
        )
    visitors = {one["visitor_id"] for one in given.events}
    assert sum(row["new_users"] for row in activity.values()) == len(visitors)
    retained = [row for row in result["retention_daily"] if row["days_since_first_visit"] == 0]
    assert all(row["retained_users"] == row["cohort_size"] for row in retained)
    assert {row["cohort_date"]: row["cohort_size"] for row in retained} == {
        day: row["new_users"] for day, row in activity.items() if row["new_users"]
    }
    latest = max(row["analysis_date"] for row in result["daily_cohort_analysis"])
    final = [row for row in result["daily_cohort_analysis"] if row["analysis_date"] == latest]
    new_by_week = {row["week"]: row["new_users"] for row in result["user_lifecycle"] if row["new_users"]}
    assert {row["cohort_week"]: row["cohort_size"] for row in final} == new_by_week
    assert sum(row["events"] for row in result["journey_milestones"]) == len(given.events)
    entered = sum(row["transitions"] for row in result["page_transitions"] if row["from_page"] == "(entry)")
    assert entered == sum(row["entrances"] for row in result["page_performance"])
    assert entered == sum(row["exits"] for row in result["page_performance"])
