"""Sessions against data not made here: the e-commerce sample of the package retentioneering.

Its `ecom.csv.gz` (Apache-2.0) holds 31,106 events, 30 of them duplicate rows, with the session of each event.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import json
from collections import defaultdict
from pathlib import Path

from warehouse import Warehouse


def ecom_rows() -> list[dict[str, str]]:
    """The published rows; the package itself is never imported, only its file is read."""
    package = importlib.util.find_spec("retentioneering")
    assert package is not None, "requirements-peer.lock is not installed: run 'make setup'"
    path = Path(package.origin).parent / "datasets" / "ecom.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def test_the_published_sessions_come_out(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = ecom_rows()
    assert len(rows) == 31_106
    with (tmp_path / "ecom.json").open("w") as file:
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
    assert warehouse.load("historical", tmp_path / "ecom.json")["records"] == 31_106
    warehouse.dbt("run", "--select", "+fct_sessions", "+fct_web_events")

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
