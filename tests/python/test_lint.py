"""sqlfluff over all models and tests, as dbt compiles them, on a lakehouse of its own."""

from __future__ import annotations

from warehouse import Warehouse


def test_sqlfluff(warehouse: Warehouse) -> None:
    done = warehouse.command(
        "sqlfluff", "lint", "--processes", "2", "models", "analyses", "tests/sql", check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
