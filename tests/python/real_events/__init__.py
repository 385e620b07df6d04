"""Small inputs that went wrong once, as files beside this one, and variants of them."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

MODIFIED_AT = datetime(2026, 11, 25, tzinfo=UTC)
_HERE = Path(__file__).parent


def write_inputs(directory: Path) -> None:
    """Put the inputs into `events` (JSON) and `csv` of a directory, all last modified at MODIFIED_AT."""
    for path in sorted(_HERE.glob("[0-9v]*")):
        if path.name == "variants_expected.json":
            continue
        target = directory / ("csv" if path.suffix == ".csv" else "events") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (MODIFIED_AT.timestamp(), MODIFIED_AT.timestamp()))
