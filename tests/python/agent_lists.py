"""Lists of user agents that others keep, to measure the rules by; none of them is in the repository.

The rules were made with those halves of the lists in view that `is_in_view` names; what counts is the others.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from collections import defaultdict
from functools import cache
from importlib import resources
from pathlib import Path

NPM_PACKAGE = "user-agents@2.1.198"
NPM_SHA256 = "581c4f5074669b6f125263b8ddf302d221a26a06842488c6cc8d50dc5c5c0851"


def is_in_view(name: str) -> bool:
    """Whether the rules may have been made from this: half of everything, by chance."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


@cache
def crawlers() -> dict[str, bool]:
    """Every crawler of the package crawler-user-agents, and whether it is in view, as all of its bot are."""
    text = (resources.files("crawleruseragents") / "crawler-user-agents.json").read_text(encoding="utf-8")
    return {agent: is_in_view(bot["pattern"]) for bot in json.loads(text) for agent in bot["instances"]}


@cache
def browsers() -> dict[str, float]:
    """Agents of people, each with its share of all visits: what the npm package user-agents has counted."""
    weights: dict[str, float] = defaultdict(float)
    for visit in _counted_visits():
        weights[visit["userAgent"]] += visit["weight"]
    return dict(weights)


@cache
def device_types() -> dict[tuple[str, str], float]:
    """The share of each user agent on each kind of device."""
    weights: dict[tuple[str, str], float] = defaultdict(float)
    for visit in _counted_visits():
        weights[visit["userAgent"], visit["deviceCategory"]] += visit["weight"]
    return dict(weights)


def cannot_fetch_browsers(directory: Path) -> str | None:
    """Fetch the npm package into a directory; returns why that failed."""
    global _package
    if not shutil.which("npm"):
        return "the program npm is not installed, which fetches the list of browsers"
    command = ["npm", "pack", NPM_PACKAGE, "--pack-destination", str(directory), "--silent"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    packages = list(directory.glob("*.tgz"))
    if done.returncode != 0 or len(packages) != 1:
        return f"npm can't fetch {NPM_PACKAGE}: {(done.stderr or done.stdout).strip()[-300:]}"
    found = hashlib.sha256(packages[0].read_bytes()).hexdigest()
    if found != NPM_SHA256:
        raise AssertionError(f"{NPM_PACKAGE} has the SHA-256 {found}, not {NPM_SHA256}")
    _package = packages[0]
    return None


_package: Path | None = None


@cache
def _counted_visits() -> list[dict]:
    assert _package is not None, "cannot_fetch_browsers comes first"
    with tarfile.open(_package) as archive:
        return json.load(archive.extractfile("package/dist/user-agents.json"))
