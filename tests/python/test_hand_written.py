"""The script that `make bench-batch` measures models beside computes the same rows."""

from __future__ import annotations

from pathlib import Path

from comparison import compared_with_parquet
from warehouse import Warehouse

from loaders.sample import generate_sample


def test_the_script_written_by_hand_computes_the_same(tmp_path: Path) -> None:
    generate_sample(tmp_path / "sample", events=4_000, days=3, seed=5)
    warehouse = Warehouse(tmp_path)
    try:
        warehouse.load_sample(tmp_path / "sample")
        files = tmp_path / "by_hand"
        files.mkdir()
        warehouse.command("python", "benchmarks/hand_written.py", str(files))
        covered = [file.stem for file in files.glob("*.parquet")]
        assert {"fct_web_events", "fct_sessions", "dim_users"} <= {*covered}
        warehouse.dbt("seed")
        warehouse.dbt("run", "--select", *(f"+{name}" for name in covered))
        with warehouse.connect() as connection:
            compared = compared_with_parquet(connection, files)
    finally:
        warehouse.close()
    assert compared.keys() == {*covered}
    assert [name for name, (model, by_hand) in compared.items() if model != by_hand] == []
