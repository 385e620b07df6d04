"""What somebody does first: build in a plain shell, look at tables, try the demo, start over."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import requests
from trino_available import cannot_fetch_trino, missing_for_trino
from warehouse import Warehouse, copy_project

from loaders.lakehouse import duckdb_session, store, trino
from loaders.lakehouse.settings import DEMO, DEMO_PORT_OFFSET, PROJECT_ROOT, Settings
from loaders.lakehouse.trino import TrinoSettings

EVENT = '{"type": "page", "anonymousId": "a", "timestamp": "2026-03-01T10:00:00Z"}\n'
LOADERS = ("python", "-m", "loaders")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="module")
def install() -> ModuleType:
    """The script of `make setup` that gets the dbt packages."""
    path = PROJECT_ROOT / "tests" / "offline_packages" / "install.py"
    spec = importlib.util.spec_from_file_location("install_packages", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def no_hub(*_: object, **__: object) -> None:
    raise requests.ConnectionError("no way")


def test_dbt_runs_in_a_plain_shell_where_there_is_no_package_hub(
    tmp_path: Path, install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_project(tmp_path / "project")
    monkeypatch.setattr(requests, "get", no_hub)
    install.main(project)
    assert "stand-ins of tests/offline_packages" in capsys.readouterr().out
    install.main(project)  # again, as after a pull
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    done = subprocess.run(
        [Path(sys.executable).parent / "dbt", "parse"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_real_packages_stay_while_the_hub_is_away(
    tmp_path: Path, install: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = tmp_path / "dbt_packages" / "dbt_utils" / "dbt_project.yml"
    real.parent.mkdir(parents=True)
    real.write_text("name: dbt_utils\n")
    monkeypatch.setattr(requests, "get", no_hub)
    install.main(tmp_path)
    assert "the real ones" in capsys.readouterr().out
    assert [path.name for path in real.parents[1].iterdir()] == ["dbt_utils"]


@pytest.mark.parametrize("works", [True, False])
def test_packages_of_the_hub_take_the_place_of_stand_ins_at_once_or_not_at_all(
    works: bool, tmp_path: Path, install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "get", no_hub)
    install.main(tmp_path)
    installed = tmp_path / "dbt_packages"
    assert (installed / "dbt_utils").is_symlink()

    def deps(command: list[str], *, cwd: Path, env: dict[str, str], **_: object) -> object:
        (cwd / env["DBT_PACKAGES_PATH"] / "dbt_utils").mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0 if works else 1)

    monkeypatch.setattr(requests, "get", lambda *_, **__: None)
    monkeypatch.setattr(subprocess, "run", deps)
    install.main(tmp_path)
    assert (installed / "dbt_utils").is_symlink() is not works
    stand_ins = PROJECT_ROOT / "tests" / "offline_packages"
    assert (stand_ins / "dbt_utils" / "macros").is_dir()


def test_a_build_before_anything_was_loaded_makes_empty_tables(warehouse: Warehouse) -> None:
    warehouse.dbt("build")
    with warehouse.connect() as lake:
        counts = {
            name: lake.execute(f"select count(*) from lake.{table}").fetchone()[0]
            for name, table in warehouse.models().items()
        }
    # A calendar needs no events.
    assert counts.pop("dim_dates") > 0
    assert not any(counts.values()), counts
    # And what comes then is built like any first batch.
    events = warehouse.settings.home / "events.json"
    events.write_text(EVENT)
    warehouse.load("historical", events)
    warehouse.dbt("run", "--select", "+fct_web_events")
    assert len(warehouse.rows("analytics.fct_web_events")) == 1


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A lakehouse with one event in it, which tests only read."""
    one = Warehouse(tmp_path_factory.mktemp("loaded"))
    events = one.settings.home.parent / "events.json"
    events.write_text(EVENT)
    one.load("historical", events)
    yield one
    one.close()


def recipe(name: str) -> str:
    """The code of a recipe of docs/lakehouse.md."""
    text = (PROJECT_ROOT / "docs" / "lakehouse.md").read_text()
    found = re.search(rf"^```python {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[1]


@pytest.mark.parametrize(("name", "shows"), [("duckdb", "historical"), ("pyiceberg", "record_count: [[1]]")])
def test_recipes(loaded: Warehouse, name: str, shows: str) -> None:
    said = loaded.command("python", "-c", recipe(name), PATH=PATH).stdout
    assert shows in re.sub(r"\s*\n\s*", "", said) if name == "pyiceberg" else shows in said


@pytest.mark.trino
def test_recipe_for_trino(loaded: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := missing_for_trino() or cannot_fetch_trino():
        pytest.skip(reason)
    port = loaded.settings.port - 1  # nobody's: blocks of tests have ten ports of twenty
    settings = TrinoSettings(lakehouse=loaded.settings, port=port, memory_megabytes=1024)
    try:
        trino.start(settings)
        said = loaded.command("python", "-c", recipe("trino").replace("18400", str(port))).stdout
    finally:
        trino.stop(settings)
    assert "['historical', 1]" in said


def test_sql_reads_and_does_not_write(loaded: Warehouse) -> None:
    sql = (*LOADERS, "sql", "-c")
    assert "│ 1 │" in re.sub(" +", " ", loaded.command(*sql, "select count(*) from raw.web_events").stdout)
    assert "payload_encoding" in loaded.command(*sql, "describe raw.web_events").stdout
    refused = loaded.command(*sql, "create table lake.raw.mine as select 1 as one", check=False)
    assert refused.returncode == 1
    assert "read-only" in refused.stderr
    assert ("raw", "mine") not in loaded.catalog().list_tables("raw")


def test_sql_takes_statements_from_a_file(loaded: Warehouse) -> None:
    def run(text: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *LOADERS[1:], "sql"],
            cwd=loaded.project,
            env=loaded.environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("create table mine as\nselect 41 as one;\nselect one + 1 as answer\nfrom mine")
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout
    broken = run("selec 1;\nselect 42;")
    assert broken.returncode == 1
    assert "selec" in broken.stderr
    assert "42" not in broken.stdout


def test_questions_of_the_notebook_are_answered(warehouse: Warehouse) -> None:
    """The notebook's SQL; whether marimo is installed or not."""
    tree = ast.parse((PROJECT_ROOT / "notebooks" / "three_questions.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    questions = [ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "attr", "") == "sql"]
    assert len(questions) == 3
    purchase = '{"event_type": "purchase", "user_id": "u", "product_id": "p", "price": 2}\n'
    events = warehouse.settings.home.parent / "events.json"
    events.write_text(f'{EVENT}{{"type": "page"}}\n{purchase}')
    warehouse.load("historical", events)
    warehouse.dbt("run")
    with warehouse.connect() as lake:
        answers = [lake.execute(question).fetchall() for question in questions]
    assert sum(day[1] for day in answers[0]) == 2
    assert [product[-1] for product in answers[1]] == [1]
    assert [(row[0], row[2]) for row in answers[2]] == [("no_visitor_id", 1)]


def test_what_connects_can_be_split_at_semicolons(loaded: Warehouse) -> None:
    """As harlequin does with its start script."""
    running = store.find_running(loaded.settings)
    assert running is not None
    assert not [one for one in duckdb_session.reading_statements(running) if ";" in one]


def test_reset_takes_the_data_and_nothing_else(warehouse: Warehouse) -> None:
    home = warehouse.settings.home
    home.mkdir(parents=True)
    events = home / "mine.json"
    events.write_text(EVENT)
    warehouse.load("historical", events)
    keys = (home / "credentials.json").read_text()
    reset = (*LOADERS, "lakehouse", "reset")
    assert warehouse.command(*reset, check=False).returncode == 1, "nobody was there to say yes"
    assert len(warehouse.rows("raw.web_events")) == 1
    warehouse.command(*reset, "--yes")
    assert store.find_running(warehouse.settings) is None
    assert not warehouse.settings.data.exists()
    assert (home / "credentials.json").read_text() == keys
    assert events.read_text() == EVENT
    assert "no data" in warehouse.command(*reset, "--yes").stdout
    assert warehouse.load("historical", events)["records"] == 1, "it is loaded again"


def test_demo_keeps_to_a_lakehouse_of_its_own(warehouse: Warehouse) -> None:
    home, port = warehouse.settings.home, warehouse.settings.port
    # On the ports of this test's block.
    environment = {"LAKEHOUSE_PORT": str(port - DEMO_PORT_OFFSET), "DBT_TARGET": "trino", "DBT_SCHEMA": "x"}
    # A catalog that is configured, and can't be reached, is not touched either.
    environment["PYICEBERG_CATALOG__DEFAULT__URI"] = "http://127.0.0.1:9"
    try:
        said = warehouse.command(*LOADERS, "demo", "--events", "2000", **environment).stdout
    finally:
        store.stop(Settings(home / DEMO, port))
    assert "differs" not in said
    assert "equal" in said
    assert sorted(path.name for path in home.iterdir()) == [DEMO]


def test_a_lakehouse_is_named_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_PORT", "20000")
    monkeypatch.setenv("LAKEHOUSE", "demo")
    assert Settings.from_environment() == Settings(tmp_path / "demo", 20020)
    monkeypatch.setenv("LAKEHOUSE", "")
    assert Settings.from_environment() == Settings(tmp_path, 20000)
    monkeypatch.setenv("LAKEHOUSE", "prod")
    with pytest.raises(Exception, match="LAKEHOUSE is 'prod'"):
        Settings.from_environment()
