"""The Makefile's targets: workflows call no others, and each is run by tests, or says here why not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import test_contributing
import yaml
from warehouse import Warehouse

from loaders.lakehouse import store
from loaders.lakehouse.settings import PROJECT_ROOT

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((PROJECT_ROOT / ".github" / "workflows").glob("*.yml"))
CI = PROJECT_ROOT / ".ci" / "run"
CALL = re.compile(r"(?:^|[ \t$])make (?:--silent )?([a-z][a-z-]*(?: [a-z][a-z-]*)*)", re.MULTILINE)
TESTS = Path(__file__).parent

# Run below, as they are: on a lakehouse of the test's own, and with a question that is quickly answered.
ON_A_LAKEHOUSE = ("up", "status", "connect", "down", "reset FORCE=1")
QUICKLY = (
    "help",
    "setup",
    *(
        f"{name} BENCH=--help"
        for name in ("bench-batch", "bench-books", "bench-late", "bench-storage", "soak-exit")
    ),
)
# A test runs the recipe's command: where, and what one finds there.
AS_A_COMMAND = {
    "demo": ("test_first_hour.py", '*LOADERS, "demo"'),
    "sql": ("test_first_hour.py", '*LOADERS, "sql"'),
    "notebook": ("test_first_hour.py", "notebooks"),
    "build": ("test_first_hour.py", 'dbt("build")'),
    "lint": ("test_end_to_end.py", '"sqlfluff", "lint"'),
    "packages": ("test_first_hour.py", "install.main("),
    "docs": ("test_docs_site.py", '"make", "--silent", "docs"'),
    "docs-site": ("test_docs_site.py", '"make", "--silent", "docs"'),
    "slim": ("test_slim.py", '"-m", "slim"'),
    "trino-up": ("test_first_hour.py", "trino.start("),
    "trino-down": ("test_first_hour.py", "trino.stop("),
}
NOT_RUN = {
    "athena": "installs what engines-ready installs, too",
    "bench-engines": "minutes on Trino",
    "bench-load": "installs PySpark",
    "clean": "removes what the tests run in",
    "engine-table": "writes what parity and test-athena found into a page",
    "format": "rewrites the checkout",
    "lock": "asks the registry, and writes what is locked",
    "test-long": "hours on engines; each night, by a workflow",
}


def called(text: str) -> set[str]:
    """The targets of a shell script, a workflow or a page's commands."""
    return {target for names in CALL.findall(text) for target in names.split()}


def make(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
    """Run make in the checkout."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not check, f"make {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(autouse=True)
def _in_the_environment_of_make() -> None:
    if Path(sys.prefix) != PROJECT_ROOT / ".venv":
        pytest.skip(f"make targets run in .venv of the project, and these tests in {sys.prefix}")


@pytest.mark.parametrize("path", [*WORKFLOWS, CI], ids=lambda path: path.name)
def test_workflows_call_targets_that_there_are(path: Path) -> None:
    text = path.read_text()
    assert called(text) <= TARGETS
    assert all((PROJECT_ROOT / script).exists() for script in re.findall(r"- run: (\.\S+)", text))
    assert all((PROJECT_ROOT / name).exists() for name in re.findall(r"uses: (\./\S+)", text))


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", WORKFLOWS), ("dependabot", [PROJECT_ROOT / ".github" / "dependabot.yml"])],
)
def test_what_github_reads_has_its_schema(schema: str, files: list[Path]) -> None:
    program = Path(sys.executable).parent / "check-jsonschema"
    command = [program, "--builtin-schema", f"vendor.{schema}", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pre_commit_runs_make_targets_and_downloads_nothing() -> None:
    config = yaml.safe_load((PROJECT_ROOT / ".pre-commit-config.yaml").read_text())
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    assert called(config["repos"][0]["hooks"][0]["entry"]) == {"check"} <= TARGETS
    program = Path(sys.executable).parent / "pre-commit"
    done = subprocess.run(
        [program, "validate-config"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_each_mart_folder_has_reviewers() -> None:
    owners = (PROJECT_ROOT / ".github" / "CODEOWNERS").read_text()
    owned = set(re.findall(r"^/(models/marts/\w+)/ +@", owners, re.MULTILINE))
    assert owned == {str(path.relative_to(PROJECT_ROOT)) for path in PROJECT_ROOT.glob("models/marts/*/")}


def test_each_target_is_run_by_tests_or_says_why_not() -> None:
    here = {target.split()[0] for target in (*ON_A_LAKEHOUSE, *QUICKLY)}
    by_ci = called(CI.read_text())
    by_newcomers = called(test_contributing.CHAPTER[0])
    assert here | by_ci | by_newcomers | set(AS_A_COMMAND) | set(NOT_RUN) == TARGETS
    for target, (test, text) in AS_A_COMMAND.items():
        assert text in (TESTS / test).read_text(), target


def test_recipes_name_programs_that_there_are() -> None:
    for name in re.findall(r"[\w./]+\.py\b", MAKEFILE):
        assert (PROJECT_ROOT / name).exists(), name
    make("--dry-run", *sorted(TARGETS - {"sql"}), "NAME=x", "BY=y", "MODEL=z", "FILE=f")


@pytest.mark.parametrize("call", QUICKLY)
def test_targets_that_answer_quickly(call: str) -> None:
    said = make(*call.split()).stdout
    assert call == "setup" or "Usage" in said or "usage" in said or "make setup" in said


def test_targets_of_the_lakehouse(warehouse: Warehouse) -> None:
    for call in ON_A_LAKEHOUSE:
        make(*call.split(), **warehouse.environment)
    assert store.find_running(warehouse.settings) is None
