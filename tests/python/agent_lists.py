"""Lists of user agents to measure the rules by, and the SQL that dbt makes of the rules.

What others keep is not in the repository: the packages have it.

The rules were made with those halves of the lists in view that `is_in_view` names; what counts is the others.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
from warehouse import Warehouse

NPM_PACKAGE = "user-agents@2.1.198"
NPM_SHA256 = "581c4f5074669b6f125263b8ddf302d221a26a06842488c6cc8d50dc5c5c0851"

# Texts in which engines could find other things: letters that change their length or fall together in lower
# case, text longer than rules look, line feeds, marks of regular expressions, much to try in vain.
ODD = [
    "İstanbulBot/1.0",
    "ſpider \u212aelvin",
    "STRASSE straße ẞ bot",
    "😀 crawler 😀",
    "x" * 2_500 + " bot",
    "Mozilla/5.0\n(compatible; Two\nLines/1.0)",
    "a'b''c\\d$e^f",
    "Mozilla/5.0",
    "-",
    "(" * 500,
    "chrome/" * 300,
    "a-" * 1_000 + ".com",
]


def is_in_view(name: str) -> bool:
    """Whether the rules may have been made from this: half of everything, by chance."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 0


@cache
def crawlers() -> dict[str, bool]:
    """Every crawler of the package crawler-user-agents, and whether it is in view, as all of its bot are."""
    text = (resources.files("crawleruseragents") / "crawler-user-agents.json").read_text(encoding="utf-8")
    return {agent: is_in_view(bot["pattern"]) for bot in json.loads(text) for agent in bot["instances"]}


class CannotFetchError(Exception):
    """Why the list of browsers can't be had here."""


def counted_visits(directory: Path) -> list[dict[str, Any]]:
    """What the npm package user-agents has counted: agents of people, their devices, their shares of visits.

    Args:
        directory: where npm puts the package.

    Raises:
        CannotFetchError: there is no npm, or npm can't fetch it.
    """
    if not shutil.which("npm"):
        raise CannotFetchError("the program npm is not installed, which fetches the list of browsers")
    command = ["npm", "pack", NPM_PACKAGE, "--pack-destination", str(directory), "--silent"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    packages = list(directory.glob("*.tgz"))
    if done.returncode != 0 or len(packages) != 1:
        raise CannotFetchError(
            f"npm can't fetch {NPM_PACKAGE}: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    found = hashlib.sha256(packages[0].read_bytes()).hexdigest()
    if found != NPM_SHA256:
        raise AssertionError(f"{NPM_PACKAGE} has the SHA-256 {found}, not {NPM_SHA256}")
    with tarfile.open(packages[0]) as archive:
        return json.load(archive.extractfile("package/dist/user-agents.json"))


def shares(visits: Iterable[dict[str, Any]], *columns: str) -> dict[tuple[str, ...], float]:
    """The share of all visits that each combination of some columns has."""
    weights: dict[tuple[str, ...], float] = defaultdict(float)
    for visit in visits:
        weights[tuple(visit[column] for column in columns)] += visit["weight"]
    return dict(weights)


def select_of_agents(warehouse: Warehouse, agents: str) -> str:
    """The SELECT of dim_user_agents, as dbt rendered it last, with a table of agents in place of events."""
    models = Path(warehouse.environment["DBT_TARGET_PATH"]) / "compiled/web_events_lakehouse/models"
    sql = (models / "marts/core/dim_user_agents.sql").read_text()
    sql, count = re.subn(r'"\w+"\."\w+"\."stg_web_events"', agents, sql)
    assert count == 1
    return sql


def agents_table(agents: Iterable[str]) -> pa.Table:
    """What dim_user_agents reads of staging."""
    texts = pa.array(list(agents), pa.string())
    return pa.table({"user_agent": texts, "rejection_reason": pa.nulls(len(texts), pa.string())})
