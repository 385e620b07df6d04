"""Run hand_written.sql over raw.web_events of the local lakehouse: `python hand_written.py DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

from loaders.lakehouse import duckdb_session

script = Path(__file__).with_suffix(".sql").read_text()
with duckdb_session.connect() as connection:
    connection.execute("set timezone = 'UTC'")
    connection.execute("create temp view payloads as select * from lake.raw.web_events")
    connection.execute(script.replace("${out}", sys.argv[1]))
