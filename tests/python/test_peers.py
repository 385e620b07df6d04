"""Marts over data not made here, the e-commerce sample of retentioneering, against others' functions.

Its `ecom.csv.gz` (Apache-2.0) holds 31,106 events, 30 of them duplicate rows, with the session of each event.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pandas_comparison import assert_cohorts_equal
from peers import ECOM_EVENTS
from retentioneering_comparison import assert_funnels_equal, assert_sessions_equal
from warehouse import Warehouse


@dataclass
class Ecom:
    """The published rows, and a lakehouse built from them."""

    rows: list[dict[str, str]]
    warehouse: Warehouse


@pytest.fixture(scope="module")
def ecom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ecom]:
    home = tmp_path_factory.mktemp("ecom")
    with gzip.open(ECOM_EVENTS, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 31_106
    with (home / "ecom.json").open("w") as file:
        for row in rows:
            event = {
                "user_id": row["user_id"],
                "session_id": row["session_id"],
                "event_type": row["event"],
                "event_timestamp": row["timestamp"],
                "device_type": row["platform"],
                "metadata": {
                    name: row[name] for name in ("acquisition_channel", "user_cohort", "user_lifecycle")
                },
            }
            file.write(json.dumps(event) + "\n")
    warehouse = Warehouse(home)
    try:
        assert warehouse.load("historical", home / "ecom.json")["records"] == 31_106
        marts = (
            "session_funnel",
            "visitor_funnel",
            "retention_daily",
            "daily_cohort_analysis",
            "dim_visitors",
        )
        warehouse.dbt("run", "--select", *(f"+{mart}" for mart in marts))
        yield Ecom(rows, warehouse)
    finally:
        warehouse.close()


def test_the_published_sessions_come_out(ecom: Ecom) -> None:
    rows, warehouse = ecom.rows, ecom.warehouse
    events = warehouse.rows("analytics.fct_web_events", "source_session_id, session_id, visitor_id")
    assert len(events) == 31_106 - 30
    published: dict[str, int] = defaultdict(int)
    for row in {tuple(row.items()) for row in rows}:
        published[dict(row)["session_id"]] += 1
    assert len(published) == 3_605

    # The same partition of the events: each published session is one of ours, and the other way round.
    pairs = {(event["source_session_id"], event["session_id"]) for event in events}
    assert len(pairs) == len(published) == len({ours for _, ours in pairs})
    sessions = warehouse.rows("analytics.fct_sessions", "session_id, event_count")
    ours_to_published = {ours: theirs for theirs, ours in pairs}
    assert {ours_to_published[s["session_id"]]: s["event_count"] for s in sessions} == published


def test_sessions_and_funnels_equal_retentioneering(ecom: Ecom) -> None:
    assert_sessions_equal(ecom.warehouse)
    assert_funnels_equal(ecom.warehouse)


def test_cohorts_equal_pandas(ecom: Ecom) -> None:
    assert_cohorts_equal(ecom.warehouse)
