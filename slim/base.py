"""What a change is compared with: the tables of another commit on the sample, and dbt's manifest of them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from loaders.errors import LoaderError
from loaders.lakehouse.settings import PROJECT_ROOT, Settings
from loaders.lakehouse.store import remove_data
from loaders.sample import generate_sample
from loaders.sample.loading import load_sample
from loaders.steps import step
from slim import git

SCHEMA = "analytics"
SEED, DAYS = 2026, 14
_NO_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


def prepare(console: Console, settings: Settings, commit: str, events: int, exclude: Sequence[str]) -> Path:
    """Have a commit's tables on the sample: kept from the last time, or else loaded and built.

    The raw tables are loaded by today's loaders, so that both sides read the same ones.

    Args:
        console: hears of each step.
        settings: the lakehouse, for this alone: its data are removed when they are of another commit.
        commit: whose models are built.
        events: the size of the sample.
        exclude: what dbt leaves out.

    Returns:
        The directory of the manifest.

    Raises:
        LoaderError: something can't be loaded or built.
    """
    state, mark = settings.home / "base", settings.home / "base.json"
    wanted = {"commit": commit, "loaders": _loaders(), "events": events, "exclude": list(exclude)}
    if mark.exists() and settings.data.exists() and json.loads(mark.read_text()) == wanted:
        return state
    mark.unlink(missing_ok=True)
    remove_data(settings)
    shutil.rmtree(state, ignore_errors=True)
    with step(console, f"sample of {events:,} events"):
        generate_sample(settings.sample, events=events, days=DAYS, seed=SEED)
    load_sample(console, settings.sample)
    with step(console, f"dbt build of {commit[:7]}, without tests"):
        _build(settings, commit, state, exclude)
    mark.write_text(json.dumps(wanted))
    return state


def _build(settings: Settings, commit: str, state: Path, exclude: Sequence[str]) -> None:
    """Run the dbt project of a commit, with its own macros."""
    packages = os.environ.get("DBT_PACKAGES_PATH") or "dbt_packages"
    checkout = settings.home / "base_checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    git.export(commit, checkout)
    environment = {
        **os.environ,
        # Not by its name, which the commit may not know yet.
        "LAKEHOUSE": "",
        "LAKEHOUSE_HOME": str(settings.home),
        "LAKEHOUSE_PORT": str(settings.port),
        "DBT_SCHEMA": SCHEMA,
        "DBT_PROFILES_DIR": str(checkout),
        "DBT_PACKAGES_PATH": str(PROJECT_ROOT / packages),
        "DBT_TARGET_PATH": str(state),
        "DBT_LOG_PATH": str(settings.home / "logs"),
    }
    dbt = Path(sys.executable).with_name("dbt")
    arguments = ["--quiet", "build", "--target", "local", *_NO_TESTS, *excluding(exclude)]
    done = subprocess.run([dbt, *arguments], cwd=checkout, env=environment, capture_output=True, text=True)
    shutil.rmtree(checkout)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[-300:]
        raise LoaderError(f"the base {commit[:7]} can't be built: {said}")


def excluding(exclude: Sequence[str]) -> list[str]:
    """The options by which dbt leaves something out."""
    return ["--exclude", *exclude] if exclude else []


def _loaders() -> str:
    """A hash of the loaders' code: with others the raw tables may be others."""
    code = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "loaders").rglob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()
