"""A window of days, or one model of it, can be built again: what was wrong there is right afterwards."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from comparison import assert_same_rows
from random_history import START, random_events, write_object
from warehouse import Warehouse

DAY = "date '2026-03-03'"
WINDOW = '{"backfill_start": "2026-03-03", "backfill_end": "2026-03-03"}'
DAMAGE = {
    "damaged_staging.stg_web_events": [
        f"delete from {{}} where event_date = {DAY} and source_position % 3 = 0"
    ],
    "damaged_intermediate.int_web_events_deduplicated": [
        f"update {{}} set event_id = 'never seen' where event_date = {DAY} and source_position % 2 = 0"
    ],
    "damaged_intermediate.int_web_events_sessionized": [f"delete from {{}} where event_date = {DAY}"],
    "damaged.fct_web_events": [
        f"delete from {{}} where event_date = {DAY} and source_position % 2 = 0",
        f"update {{}} set visitor_id = 'never seen', event_id = 'never seen' where event_date = {DAY}",
    ],
    "damaged.fct_sessions": [f"update {{}} set session_id = 'never seen' where session_date = {DAY}"],
    "damaged_intermediate.int_product_daily": [f"update {{}} set views = 99 where event_date = {DAY}"],
    "damaged_intermediate.int_batch_counts": [f"update {{}} set duplicates = 99 where event_date = {DAY}"],
    "damaged.user_activity": [f"delete from {{}} where event_date = {DAY}"],
    "damaged.hourly_revenue": [f"update {{}} set event_hour = event_hour + 30 where event_date = {DAY}"],
}


def test_a_window_is_built_again_and_half_a_window_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    events = random_events(random.Random(5))
    for number in range(3):
        write_object(
            tmp_path / "objects" / f"{number}.json",
            [*events[number::3], "broken {"],
            START + timedelta(days=10),
        )
        warehouse.load("firehose", tmp_path / "objects")
    warehouse.dbt("run")
    warehouse.dbt("run", DBT_SCHEMA="damaged")
    with warehouse.connect() as connection:
        for table, statements in DAMAGE.items():
            for statement in statements:
                changed = connection.execute(statement.format(f"lake.{table}")).fetchone()
                assert (changed or (0,))[0] > 0, f"{table} has nothing to damage"

    warehouse.dbt("run", "--select", "user_activity", "--vars", WINDOW)
    warehouse.dbt("run", "--vars", WINDOW, DBT_SCHEMA="damaged")
    assert_same_rows(warehouse, "analytics", "damaged")

    for half in (
        '{"backfill_start": "2026-03-03"}',
        '{"backfill_start": "today", "backfill_end": "2026-03-03"}',
    ):
        refused = warehouse.dbt("run", "--select", "user_activity", "--vars", half, check=False)
        assert refused.returncode == 1
        assert "A back-fill needs both variables" in refused.stdout
