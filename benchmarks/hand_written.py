"""Run hand_written.sql over the raw tables of the local lakehouse: `python hand_written.py DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

from loaders.lakehouse import duckdb_session
from loaders.lakehouse.settings import PROJECT_ROOT

MEMORY = "12GB"
"""DuckDB's limit; what does not fit goes to a file of the directory. Python and the store need some, too."""


def main(out: Path) -> None:
    """Write a Parquet file for each table into a directory.

    Args:
        out: the directory; what is between the tables is kept in a DuckDB file there, until the end.
    """
    work = out / "work.duckdb"
    script = Path(__file__).with_suffix(".sql").read_text()
    script = script.replace("${out}", str(out)).replace("${seeds}", str(PROJECT_ROOT / "seeds"))
    with duckdb_session.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = '{out / 'spilled'}'")
        connection.execute(f"attach '{work}' as work")
        connection.execute("create schema raw")
        for table in ("web_events", "load_batches"):
            connection.execute(f"create view raw.{table} as from lake.raw.{table}")
        connection.execute(script)
        connection.execute("detach work")
    work.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
