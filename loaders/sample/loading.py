"""Load a sample into the raw tables."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from loaders.errors import LoaderError
from loaders.loading import run
from loaders.steps import step
from loaders.summary import Summary


def load_sample(console: Console, sample: Path) -> list[tuple[str, Summary]]:
    """Run both loaders over what a sample holds.

    Args:
        console: hears of each step.
        sample: the directory that `generate_sample` has written.

    Returns:
        What was loaded, and the loader's summary of it.

    Raises:
        LoaderError: an object can't be loaded.
    """
    parts = [("historical", "archive", "web_events"), ("firehose", "firehose", "web_events")]
    parts += [("historical", dataset, dataset) for dataset in ("products", "transactions", "reviews")]
    loads = []
    for source, folder, dataset in parts:
        if not (sample / folder).exists():
            continue
        with step(console, f"loader {source}: {folder} into raw.{dataset}"):
            summary = run(str(sample / folder), dataset=dataset, source=source)
            if summary.errors:
                raise LoaderError(str(summary.errors[0]))
        loads.append((f"{source}, {folder}", summary))
    return loads
