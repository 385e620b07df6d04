"""Whether a Trino server, and the Athena endpoint on it, can be started here.

As a program it prints the reason why not, and fails then.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys

from loaders.errors import LoaderError
from loaders.lakehouse import trino

TRINO_PACKAGES = {"dbt.adapters.trino": "dbt-trino"}
# A server for a few hundred statements: what the second compiler would gain is less than what it takes.
SHORT_LIVED = ("-XX:TieredStopAtLevel=1",)
ATHENA_PACKAGES = {"dbt.adapters.athena": "dbt-athena-community", "moto": "moto", "sqlglot": "sqlglot"}


def missing_for_trino() -> str | None:
    """Why no server can be started here; None when one can, be it that it has to be fetched first."""
    if not os.environ.get("TRINO_HOME") and not trino.cache_directory().is_dir() and not shutil.which("mvn"):
        return "no Trino: neither TRINO_HOME is set nor the program mvn is installed"
    try:
        trino.find_java()
    except LoaderError as error:
        return str(error)
    return None


def missing_packages(packages: dict[str, str], command: str) -> str | None:
    """Why tests that import these modules can't run; None when they can."""
    for module, package in packages.items():
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return f"{package} is not installed: run '{command}'"
    return None


def cannot_fetch_trino() -> str | None:
    """Fetch Trino when it is not there yet; returns why that failed."""
    try:
        trino.ensure_server(trino.cache_directory())
    except LoaderError as error:
        return f"no Trino: {error}"
    return None


if __name__ == "__main__":
    reason = missing_for_trino() or cannot_fetch_trino()
    if reason:
        print(reason)
        sys.exit(1)
