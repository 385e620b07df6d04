"""CONTRIBUTING.md's first change, carried out as it is written there, on a copy of the project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse import Warehouse, copy_project, git

from loaders.lakehouse.settings import PROJECT_ROOT

CHAPTER = re.search(
    r"^## A first change.*?(?=^## )", (PROJECT_ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VENV = Path(sys.executable).parents[1]


def sections() -> dict[str, list[tuple[str, str]]]:
    """The kind and the text of each block, by heading, in the order of the page."""
    parts = re.split(r"^##+ (.+)$", CHAPTER[0], flags=re.MULTILINE)[1:]
    return {heading: BLOCK.findall(text) for heading, text in zip(parts[::2], parts[1::2], strict=True)}


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A checkout of one's own, on a branch main, with a lakehouse."""
    if VENV != PROJECT_ROOT / ".venv":
        pytest.skip(f"make targets run in .venv of the project, and these tests in {VENV}")
    home = tmp_path_factory.mktemp("newcomer")
    copy = link_environment(copy_project(home / "project"))
    warehouse = Warehouse(home, project=copy)
    # As in a plain shell; unit tests of the models are run by test_end_to_end.
    warehouse.environment |= {"DBT_EXCLUDE_RESOURCE_TYPES": "unit_test", "DBT_TARGET_PATH": "target"}
    yield warehouse
    warehouse.close()


def link_environment(project: Path) -> Path:
    """Make a copy of the project a checkout in which `make setup` has been run."""
    (project / ".venv").symlink_to(VENV, target_is_directory=True)
    for name in (".sqlfluff", ".sqlfluffignore", ".gitignore"):
        (project / name).write_text((PROJECT_ROOT / name).read_text())
    git(project, "init", "--quiet", "--initial-branch", "main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "x")
    return project


def apply(diff: str, project: Path) -> None:
    """Make the change of a block: its lines without a sign are in the file, once, where the change is."""
    name, *lines = diff.splitlines()
    file = project / name.removeprefix("+++ ")
    old, new = (
        "".join(f"{line[1:]}\n" for line in lines if (line[:1] or " ") in signs) for signs in (" -", " +")
    )
    text = file.read_text()
    assert text.count(old) == 1, f"{name} does not have these lines once:\n{old}"
    file.write_text(text.replace(old, new))


def plain(text: str) -> str:
    """Without colours, and with one blank for any space: widths differ."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*m", "", text))


def run(console: str, warehouse: Warehouse) -> None:
    """Run the commands of a block; the lines below each are in what it says, in this order."""
    for command, *says in (part.splitlines() for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=warehouse.project,
            # What `source .venv/bin/activate` does lasts for the block's shell only.
            env={
                **warehouse.environment,
                "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "COLUMNS": "120",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout[-6000:]}"
        said = plain(done.stdout)
        pattern = ".*?".join(".*?".join(map(re.escape, plain(line).split("…"))) for line in says)
        assert re.search(pattern, said), f"$ {command}\nsaid\n{done.stdout[-6000:]}\nand not\n" + "\n".join(
            says
        )


def test_the_first_change(newcomer: Warehouse) -> None:
    """In the order of the page, since each section goes on from the one before."""
    for heading, blocks in sections().items():
        print(f"## {heading}")
        for kind, text in blocks:
            print(text)
            if kind == "diff":
                apply(text, newcomer.project)
            else:
                assert kind == "console", f"what should be done with a block of {kind}?"
                run(text, newcomer)


def test_the_chapter_has_what_newcomers_ask_for() -> None:
    assert [heading for heading, blocks in sections().items() if blocks] == [
        "A first change, in ten minutes",
        "A column on a session",
        "A new mart",
        "A row of a seed",
        "A format",
    ]
