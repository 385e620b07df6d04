"""The sample of a benchmark, made once and kept for its next run."""

from __future__ import annotations

import shutil
from pathlib import Path

from loaders.sample import MANIFEST_NAME, generate_sample


def kept_sample(directory: Path, *, events: int, days: int, first_day: int = 0) -> Path:
    """Make a sample, unless the directory holds a whole one; returns the directory."""
    if not (directory / MANIFEST_NAME).exists():
        shutil.rmtree(directory, ignore_errors=True)
        generate_sample(directory, events=events, days=days, seed=1, first_day=first_day)
    return directory
