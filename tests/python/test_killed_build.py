"""A killed build leaves each model as it was or as it becomes; the next build ends in the same rows."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from comparison import LOAD_TIME_COLUMNS, NOT_COMPARED, assert_same_rows
from random_history import START, random_events, write_object
from warehouse import Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT

# More: KILLS=30 pytest tests/python/test_killed_build.py
KILLS = int(os.environ.get("KILLS", "2"))


def state_of(warehouse: Warehouse) -> dict[str, tuple]:
    """The number of rows of each model, and a hash of all of them but load times."""
    states = {}
    with warehouse.connect() as connection:
        for name, table in warehouse.models().items():
            if name in NOT_COMPARED:
                continue
            columns = [row[0] for row in connection.execute(f"describe lake.{table}").fetchall()]
            listed = ", ".join(f'"{column}"' for column in columns if column not in LOAD_TIME_COLUMNS)
            states[name] = connection.execute(
                f"select count(*), bit_xor(hash({listed})) from lake.{table}"
            ).fetchone()
    return states


def killed(warehouse: Warehouse, seconds: float, *arguments: str) -> bool:
    """Run dbt and kill it after some time; whether it was still running."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "dbt"), *arguments],
        cwd=PROJECT_ROOT,
        env=warehouse.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def test_killed_builds_leave_whole_models(warehouse: Warehouse, tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("KILL_SEED", "1"))
    events = random_events(chance)
    write_object(tmp_path / "first" / "a.json", events[::2], START + timedelta(days=10))
    write_object(tmp_path / "second" / "b.json", [*events[1::2], *events[::7]], START + timedelta(days=9))
    warehouse.load("firehose", tmp_path / "first")
    warehouse.dbt("run")
    before = state_of(warehouse)
    begin = time.monotonic()
    warehouse.dbt("run", "--full-refresh")
    duration = time.monotonic() - begin
    assert state_of(warehouse) == before

    snapshots = warehouse.snapshot_ids()
    warehouse.load("firehose", tmp_path / "second")
    after_kills = []
    kills = 0
    for number in range(KILLS):
        # Spread over the run, the first moments left out: there dbt only reads its project.
        share = 0.3 + 0.7 * (number + chance.random()) / KILLS
        kills += killed(warehouse, share * duration, "run")
        after_kills.append(state_of(warehouse))
    assert kills
    warehouse.dbt("run")
    after = state_of(warehouse)
    assert after != before
    for states in after_kills:
        torn = [name for name, state in states.items() if state not in (before[name], after[name])]
        assert not torn, f"neither the old rows nor the new ones: {torn}"

    # All models written, none recorded: the next run finds them right and keeps them.
    warehouse.take_back_books(snapshots)
    warehouse.dbt("run")
    assert state_of(warehouse) == after

    for number in range(max(1, KILLS // 2)):
        share = 0.4 + 0.6 * (number + chance.random()) / max(1, KILLS // 2)
        killed(warehouse, share * duration, "run", "--full-refresh")
    warehouse.dbt("run")
    assert state_of(warehouse) == after
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")


def test_what_a_killed_build_wrote_goes_when_the_next_batch_undoes_it(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    """Rows that were there in between only: the models read have them no more, nor had them before."""
    events = random_events(random.Random(11))
    write_object(tmp_path / "objects" / "a.json", events[::3], START + timedelta(days=10))
    warehouse.load("firehose", tmp_path / "objects")
    warehouse.dbt("run")
    for number, kept in enumerate((events[1::3], events[1::9], events[2::9]), start=1):
        # Each time other sessions, and the newer version of the object takes the last ones away.
        write_object(tmp_path / "objects" / "b.json", kept, START + timedelta(days=10, hours=number))
        warehouse.load("firehose", tmp_path / "objects")
        snapshots = warehouse.snapshot_ids()
        warehouse.dbt("run")
        if number < 3:
            warehouse.take_back_books(snapshots)
    warehouse.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(warehouse, "analytics", "refreshed")
