"""Objects as other trackers export them: Segment, GA4, Snowplow, Amplitude (JSON Lines) and REES46 (CSV).

Each holds shopping sessions of the sample world's people in one format, see `trackers`, events without a time
and copies among them.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from loaders.sample import journeys
from loaders.sample.clock import MS_PER_DAY, MS_PER_MINUTE, Window
from loaders.sample.trackers import (
    EXPORTED_FORMATS,
    NOBODY,
    REES46,
    REES46_COLUMNS,
    Visit,
    records_of,
    rees46_rows,
)
from loaders.sample.world import Catalog, World
from loaders.sample.writer import csv_text, set_modified

_COPY_SHARE = 0.02
_NO_TIME_SHARE = 0.01


def write_exports(out: Path, *, events: int, seed: int, start: date) -> dict[str, int]:
    """Write one object per format.

    The same arguments give the same bytes.

    Args:
        out: directory to write to: `events/<format>.json` and `csv/rees46.csv`.
        events: number of distinct events per format; copies come on top.
        seed: decides the world and all that happens in it.
        start: the first day of the events.

    Returns:
        The number of records of each format.
    """
    records = {}
    for name in EXPORTED_FORMATS:
        rng = Random(f"{seed}/exports/{name}")
        visits = _visits(rng, name, seed, start, events)
        if name == REES46:
            rows = _with_copies(rng, [row for visit in visits for row in rees46_rows(visit)])
            path, text = out / "csv" / f"{name}.csv", csv_text([REES46_COLUMNS, *rows])
        else:
            rows = _with_copies(rng, [record for visit in visits for record in records_of(name, visit)])
            path = out / "events" / f"{name}.json"
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        _write(path, text, start)
        records[name] = len(rows)
    return records


def _visits(rng: Random, name: str, seed: int, start: date, events: int) -> list[Visit]:
    """Sessions of some dozen visitors of a format over three days, with as many steps as there are events."""
    window = Window(start, 0, 3)
    world, catalog = World(seed, start), Catalog(seed)
    visits: list[Visit] = []
    while events:
        visitor = world.visitor(0, rng.randrange(60))
        visitor = visitor._replace(
            anonymous_id=f"{name}-{visitor.anonymous_id}", user_ids=(f"{name}-{visitor.user_ids[0]}",)
        )
        at = window.day_ms(0) + rng.randrange(3 * MS_PER_DAY - 240 * MS_PER_MINUTE)
        steps = journeys.shopping(rng.random, catalog, visitor.taste, at)[:events]
        events -= len(steps)
        without_time = frozenset(i for i in range(len(steps)) if rng.random() < _NO_TIME_SHARE)
        visits.append(Visit(f"{len(visits):06x}", visitor, steps, rng.choice(NOBODY), without_time))
    return visits


def _with_copies(rng: Random, lines: list[Any]) -> list[Any]:
    return [copy for line in lines for copy in ([line, line] if rng.random() < _COPY_SHARE else [line])]


def _write(path: Path, text: str, start: date) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    set_modified(path, Window(start, 0, 3).end_ms)
