"""Times that were cut to milliseconds, as Athena's OPTIMIZE does, lose no raw record."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from warehouse import Warehouse

from loaders.catalog import RAW_NAMESPACE


def cut_to_milliseconds(warehouse: Warehouse, table: str) -> None:
    """Write a table's load times anew, as Athena's compaction does."""
    opened = warehouse.catalog().load_table((RAW_NAMESPACE, table))
    rows = opened.scan().to_arrow()
    at = rows.schema.get_field_index("loaded_at")
    cut = pc.floor_temporal(rows["loaded_at"], unit="millisecond")
    assert cut != rows["loaded_at"], "all of them were whole milliseconds"
    opened.overwrite(rows.set_column(at, rows.schema.field(at), cut.cast(pa.timestamp("us"))))


@pytest.mark.parametrize("table", ["load_batches", "web_events"])
def test_no_record_is_missed(warehouse: Warehouse, tmp_path: Path, table: str) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for number in range(2):
        (landing / f"{number}.json").write_text('{"is": "no event"}\n' * 3)
        warehouse.load("firehose", landing)
        if number:
            cut_to_milliseconds(warehouse, table)
        warehouse.dbt("run", "--select", "+stg_web_events")
    assert warehouse.rows("analytics_staging.stg_web_events", "count(*) as n") == [{"n": 6}]
