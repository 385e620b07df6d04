"""What the rules of user agents are worth, by lists that others keep, and that each agent is matched once.

The SQL is what dbt renders for dim_user_agents, with a list of agents in place of the events.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import agent_lists
import duckdb
import pytest
import ua_parser
from pyiceberg.manifest import ManifestContent
from warehouse import Row, Warehouse, copy_project

from oracle.agents import user_agent_rows


class Project:
    """A copy of the project with a lakehouse of its own, so that its rules can be changed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.bots = home / "project/seeds/user_agent_bots.csv"
        self.warehouse = Warehouse(home, project=copy_project(home / "project"))

    def load(self, agents: Iterable[str], day: int) -> None:
        """A page view by each agent."""
        folder = self.home / f"day {day}"
        folder.mkdir()
        views = [
            {
                "type": "page",
                "anonymousId": f"visitor {number}",
                "timestamp": f"2026-01-{day:02}T10:00:00Z",
                "userAgent": agent,
            }
            for number, agent in enumerate(agents)
        ]
        (folder / "events.json").write_text("\n".join(map(json.dumps, views)))
        self.warehouse.load("firehose", folder)

    def build(self) -> list[str]:
        """Build dim_user_agents; returns the agents of which it wrote rows, by the files of its table."""
        before = self._files()
        self.warehouse.dbt("run", "--select", "+dim_user_agents")
        written = sorted(self._files() - before)
        if not written:
            return []
        with self.warehouse.connect() as connection:
            rows = connection.execute("select user_agent from read_parquet(?)", [written]).fetchall()
        return sorted(row[0] for row in rows)

    def _files(self) -> set[str]:
        catalog = self.warehouse.catalog()
        if not catalog.table_exists("analytics.dim_user_agents"):
            return set()
        table = catalog.load_table("analytics.dim_user_agents")
        manifests = [
            manifest
            for manifest in table.current_snapshot().manifests(table.io)
            if manifest.content == ManifestContent.DATA
        ]
        return {
            entry.data_file.file_path
            for manifest in manifests
            for entry in manifest.fetch_manifest_entry(table.io)
        }


FIRST_AGENTS = ["Chrome/1 (Windows NT 10.0)", "One Bot", "curl/8"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    one = Project(tmp_path_factory.mktemp("user_agents"))
    try:
        one.load(FIRST_AGENTS, 1)
        assert one.build() == FIRST_AGENTS
        yield one
    finally:
        one.warehouse.close()


@pytest.fixture(scope="module")
def sql(project: Project) -> str:
    return agent_lists.select_of_agents(project.warehouse, "agents")


@pytest.fixture(scope="module")
def match(sql: str) -> Callable[[Iterable[str]], dict[str, Row]]:
    """What DuckDB finds in agents, by agent."""

    def rows_of(agents: Iterable[str]) -> dict[str, Row]:
        with duckdb.connect() as connection:
            connection.register("agents", agent_lists.agents_table(agents))
            result = connection.execute(sql)
            names = [column[0] for column in result.description]
            return {row[0]: dict(zip(names, row, strict=True)) for row in result.fetchall()}

    return rows_of


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    try:
        return agent_lists.counted_visits(tmp_path_factory.mktemp("npm"))
    except agent_lists.CannotFetchError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def browsers(visits: list[dict[str, Any]]) -> dict[str, float]:
    """Agents of people, each with its share of all visits."""
    return {agent: weight for (agent,), weight in agent_lists.shares(visits, "userAgent").items()}


def share(weights: dict[str, float], holds: Callable[[str], bool]) -> float:
    return sum(weight for agent, weight in weights.items() if holds(agent)) / sum(weights.values())


def test_crawlers_are_bots(match: Callable) -> None:
    rows = match(agent_lists.crawlers())
    for in_view in (False, True):
        agents = [agent for agent, is_in_view in agent_lists.crawlers().items() if is_in_view == in_view]
        missed = [agent for agent in agents if not rows[agent]["is_bot_agent"]]
        assert len(missed) <= 0.03 * len(agents), missed[:20]


def test_browsers_are_people(match: Callable, browsers: dict[str, float]) -> None:
    rows = match(browsers)
    for in_view in (False, True):
        agents = [agent for agent in browsers if agent_lists.is_in_view(agent) == in_view]
        bots = [agent for agent in agents if rows[agent]["is_bot_agent"]]
        assert len(bots) <= 0.005 * len(agents), bots[:20]


def test_browsers_and_systems_are_those_of_ua_parser(match: Callable, browsers: dict[str, float]) -> None:
    rows = match(browsers)
    parsed = {agent: ua_parser.parse(agent) for agent in browsers}

    def agrees(column: str, part: str, name: str) -> Callable[[str], bool]:
        return lambda agent: rows[agent][column] == getattr(getattr(parsed[agent], part), name, None)

    for in_view in (False, True):
        weights = {
            agent: weight for agent, weight in browsers.items() if agent_lists.is_in_view(agent) == in_view
        }
        assert share(weights, agrees("browser", "user_agent", "family")) >= 0.99
        assert share(weights, agrees("browser_version_major", "user_agent", "major")) >= 0.98
        assert share(weights, agrees("os", "os", "family")) >= 0.99
        assert share(weights, agrees("os_version_major", "os", "major")) >= 0.98


def test_devices_are_those_that_were_counted(match: Callable, visits: list[dict[str, Any]]) -> None:
    counted = agent_lists.shares(visits, "userAgent", "deviceCategory")
    rows = match({agent for agent, _ in counted})
    agreed = sum(weight for (agent, kind), weight in counted.items() if rows[agent]["device_type"] == kind)
    assert agreed / sum(counted.values()) >= 0.99


IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 13; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "browser", "device_type"),
    [
        (
            f"{IPHONE} Mobile/21F90 Instagram 339.0.3.12.91 (iPhone14,5; iOS 17_5_1)",
            ("Instagram", "339"),
            "mobile",
        ),
        (
            f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/440.0.0.32.109;FBDV/iPhone14,5]",
            ("Facebook", "440"),
            "mobile",
        ),
        (ANDROID.format("SM-X200") + " Safari/537.36", ("Chrome", "120"), "tablet"),
        (ANDROID.format("CUBOT X30") + " Mobile Safari/537.36", ("Chrome Mobile", "120"), "mobile"),
        (ANDROID.format("BRAVIA 4K VH2") + " Safari/537.36", ("Chrome", "120"), "tv"),
    ],
)
def test_people_in_apps_and_on_odd_devices(
    match: Callable, agent: str, browser: tuple[str, str | None], device_type: str
) -> None:
    row = match([agent])[agent]
    assert (row["browser"], row["browser_version_major"]) == browser
    assert (row["device_type"], row["is_bot_agent"]) == (device_type, False)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com)",
            "GPTBot",
        ),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.32.3", "python-requests"),
        ("Somebody's brand-new thing/0.1 (+https://new.example)", "Somebody's"),
        (f"{LINUX} HeadlessChrome/130.0.0.0 Safari/537.36", "HeadlessChrome"),
    ],
)
def test_bots_are_named(match: Callable, agent: str, name: str) -> None:
    row = match([agent])[agent]
    assert (row["bot_name"], row["device_type"], row["browser"]) == (name, "bot", None)


def test_duckdb_finds_what_python_finds(match: Callable) -> None:
    agents = [*agent_lists.crawlers(), *agent_lists.ODD]
    found = match(agents)
    assert [found[row["user_agent"]] for row in user_agent_rows(agents)] == user_agent_rows(agents)


def test_a_thousand_agents_take_less_than_a_second(match: Callable, sql: str) -> None:
    """Two thousand in a second are measured here; the rest is for a busy machine."""
    agents = list(agent_lists.crawlers())
    before = time.process_time()
    match(agents)
    assert (time.process_time() - before) * 1_000 / len(agents) < 1
    # Far from the 262,144 bytes that Athena takes as one statement.
    assert len(sql.encode()) < 65_536


def test_an_agent_is_matched_once_and_again_when_the_rules_change(project: Project) -> None:
    project.load(["One Bot", "curl/8", "Two Bot"], 2)
    assert project.build() == ["Two Bot"]
    project.bots.write_text(project.bots.read_text() + "5,A friend,^one,\n")
    assert project.build() == ["One Bot"]
    names = Counter(
        row["bot_name"] for row in project.warehouse.rows("analytics.dim_user_agents", "bot_name")
    )
    assert names == {"A friend": 1, "Two": 1, "curl": 1, None: 1}
    assert project.build() == []
