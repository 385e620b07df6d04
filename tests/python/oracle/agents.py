"""What a user agent says, by the rules of the seeds, as Python's own regular expressions find them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from oracle.records import seed_of_rows
from oracle.values import lowered

Row = dict[str, Any]
_LOOKED_AT = 2000
"""Characters of an agent in which rules look."""


def user_agent_rows(user_agents: Iterable[str | None]) -> list[Row]:
    """The rows of dim_user_agents for the agents of records, whatever becomes of their events."""
    return [
        agent_row(user_agent) for user_agent in sorted({agent for agent in user_agents if agent is not None})
    ]


@cache
def _rules(name: str) -> list[tuple[Row, re.Pattern[str], re.Pattern[str] | None]]:
    rows = sorted(seed_of_rows(f"user_agent_{name}"), key=lambda row: int(row["priority"]))
    return [
        (row, re.compile(row["pattern"]), re.compile(row["unless"]) if row["unless"] else None)
        for row in rows
    ]


def _first(name: str, text: str) -> tuple[Row, str | None]:
    """The rule that counts, and what its group found."""
    for row, pattern, unless in _rules(name):
        match = pattern.search(text)
        if match and not (unless and unless.search(text)):
            return row, (match[1] or None) if pattern.groups else None
    return {}, None


@cache
def agent_row(user_agent: str) -> Row:
    text = lowered(user_agent[:_LOOKED_AT])
    bot, found_name = _first("bots", text)
    row = {
        "user_agent": user_agent,
        "browser": None,
        "browser_version_major": None,
        "os": None,
        "os_version_major": None,
        "device_type": "bot",
        "is_bot_agent": bool(bot),
        "bot_name": None,
    }
    if bot:
        if found_name:
            at = text.index(found_name)
            found_name = user_agent[at : at + len(found_name)].strip(" \t\r\n")
        return row | {"bot_name": bot["bot_name"] or found_name or None}
    browser, browser_version = _first("browsers", text)
    system, system_version = _first("systems", text)
    device, _ = _first("devices", text)
    return row | {
        "browser": browser.get("browser"),
        "browser_version_major": browser_version,
        "os": system.get("os"),
        "os_version_major": system.get("os_version_major") or system_version,
        "device_type": device.get("device_type", "other"),
    }
