"""How a dbt command on target `local` ends: DuckDB first, then Python; with its own exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.lakehouse.store import Store

# Runs dbt as its command does, and looks between the plugin's closing and dbt-duckdb's own, which comes last.
DBT = """
import atexit
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import cli
atexit.register(lambda: print("opened:", DuckDBConnectionManager._ENV is not None))
atexit.register(lambda: print("open:", DuckDBConnectionManager._ENV.conn is not None))
cli()
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where dbt keeps the parsed project from one test to the next."""
    return tmp_path_factory.mktemp("target")


@pytest.mark.parametrize(
    ("sql", "status"),
    [("select canonical_json_object('{}') as text", 0), ("select * from lake.no_such.no_such_table", 2)],
)
def test_duckdb_is_closed_before_python_ends(lakehouse: Store, target: Path, sql: str, status: int) -> None:
    environment = {
        **os.environ,
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT),
        "DBT_PACKAGES_PATH": os.environ.get("DBT_PACKAGES_PATH") or "tests/offline_packages",
    }
    done = subprocess.run(
        [sys.executable, "-c", DBT, "show", "--inline", sql],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "open: False" in done.stdout
    assert "opened: True" in done.stdout
    assert done.stderr == ""
