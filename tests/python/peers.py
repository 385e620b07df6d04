"""Functions of packages not written here, that marts are compared with.

The packages themselves are not imported: retentioneering's would need a machine-learning stack, widgets and a
server, and tells its makers of each call where posthog is installed; lifetimes' would need scipy. The modules
taken here need pandas and DuckDB alone.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path
from types import ModuleType


def package_folder(name: str) -> Path:
    """Where a package of requirements-peer.lock is installed; the package is not imported."""
    found = importlib.util.find_spec(name)
    assert found is not None, "requirements-peer.lock is not installed: run 'make setup'"
    return Path(found.origin or "").parent


# Taken before the packages are hidden behind those without `__init__`.
ECOM_EVENTS = package_folder("retentioneering") / "datasets" / "ecom.csv.gz"


def _without_init(*names: str) -> None:
    """Make packages known whose `__init__` is not run, so that their modules can be imported one by one."""
    folder = package_folder(names[0])
    for name in names:
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


_without_init("retentioneering", "retentioneering.data_processors", "retentioneering.tools")
_without_init("lifetimes")

# It sets an option of pandas that does nothing any more.
with warnings.catch_warnings(action="ignore"):
    from lifetimes.utils import summary_data_from_transaction_data
from retentioneering.data_processors.split_sessions import SplitSessions  # noqa: E402
from retentioneering.eventstream.eventstream import Eventstream  # noqa: E402
from retentioneering.exceptions import EmptyEventstreamError  # noqa: E402
from retentioneering.tools.funnel import Funnel  # noqa: E402

__all__ = [
    "ECOM_EVENTS",
    "EmptyEventstreamError",
    "Eventstream",
    "Funnel",
    "SplitSessions",
    "summary_data_from_transaction_data",
]
