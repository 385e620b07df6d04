"""`make check`: which SQL files it lints. That it runs, test_contributing shows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from warehouse import git

from loaders.lakehouse.settings import PROJECT_ROOT

# What the script lints when it is asked in a checkout, one file a line.
ASK = """
import sys
sys.path.insert(0, "scripts")
import check
print(*check.changed_sql_files(check.PROJECT_ROOT, sys.argv[1]), sep="\\n")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a branch main, and the change of another branch."""
    for name in ("models/old.sql", "models/kept.sql", "models/gone.sql", "macros/old.sql"):
        write(tmp_path / name, "select 1")
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT_ROOT / "scripts" / "check.py", tmp_path / "scripts")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    git(tmp_path, "switch", "--quiet", "--create", "change")
    write(tmp_path / "models/committed.sql", "select 2")
    write(tmp_path / "macros/old.sql", "select 2")
    (tmp_path / "models/gone.sql").unlink()
    commit(tmp_path)
    write(tmp_path / "models/old.sql", "select 3")
    write(tmp_path / "tests/sql/new.sql", "select 4")
    write(tmp_path / "models/new.yml", "models: []")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def commit(directory: Path) -> None:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "A change")


def ask(checkout: Path, base: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", ASK, base]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def test_what_differs_from_the_base_is_linted_committed_or_not(checkout: Path) -> None:
    assert ask(checkout, "main").stdout.split() == [
        "models/committed.sql",
        "models/old.sql",
        "tests/sql/new.sql",
    ]


def test_what_came_into_the_base_since_is_not_part_of_the_change(checkout: Path) -> None:
    git(checkout, "stash", "--quiet")
    git(checkout, "switch", "--quiet", "main")
    write(checkout / "models/kept.sql", "select 5")
    commit(checkout)
    git(checkout, "switch", "--quiet", "change")
    git(checkout, "stash", "pop", "--quiet")
    assert "models/kept.sql" not in ask(checkout, "main").stdout.split()


def test_a_base_that_is_not_there_is_told(checkout: Path) -> None:
    assert "there is no branch 'mian' to compare with" in ask(checkout, "mian").stderr
