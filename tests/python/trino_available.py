"""Whether a Trino server can be started here."""

from __future__ import annotations

import os
import shutil

from loaders.errors import LoaderError
from loaders.lakehouse import trino


def missing_for_trino() -> str | None:
    """Why no server can be started here; None when one can."""
    if not os.environ.get("TRINO_HOME") and not trino.cache_directory().is_dir() and not shutil.which("mvn"):
        return "no Trino: neither TRINO_HOME is set nor the program mvn is installed"
    try:
        trino.find_java()
    except LoaderError as error:
        return str(error)
    return None
