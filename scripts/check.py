"""`make check`: a change in seconds, without building anything.

ruff over all Python, dbt parse, the conventions of dbt-bouncer.yml on the manifest, and sqlfluff on the SQL
files that differ from another branch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from loaders.errors import LoaderError
from slim import git

PROJECT_ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
# What `make lint` lints, too.
LINTED = ("models", "analyses", "tests/sql")


@dataclass(frozen=True)
class Outcome:
    """What one step found; `problems` is empty when all is well."""

    step: str
    seconds: float
    problems: str = ""
    remark: str = ""

    def __str__(self) -> str:
        state = "FAILED" if self.problems else "fine"
        line = f"{self.step + ':':<13}{state} ({self.seconds:.1f} s){self.remark}"
        return f"{line}\n{self.problems}\n" if self.problems else line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps; returns 1 when one failed."""
    parser = argparse.ArgumentParser(prog="make check", description=__doc__)
    parser.add_argument("--base", default="main", help="the branch that the change is for")
    options = parser.parse_args(arguments)
    try:
        changed = changed_sql_files(PROJECT_ROOT, options.base)
    except LoaderError as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    with ThreadPoolExecutor() as pool:
        python = pool.submit(ruff)
        parsed = run_step("dbt parse", ["dbt", "parse", "--quiet"])
        steps = [python, pool.submit(lambda: parsed)]
        if not parsed.problems:
            steps += [pool.submit(conventions), pool.submit(sqlfluff, changed)]
        outcomes = []
        for step in steps:
            outcomes.append(step.result())
            print(outcomes[-1], flush=True)
    return 1 if any(outcome.problems for outcome in outcomes) else 0


def ruff() -> Outcome:
    """ruff's rules and format, over all Python."""
    rules = run_step("ruff", ["ruff", "check", "--quiet", "--output-format", "concise", "."])
    layout = run_step("ruff", ["ruff", "format", "--check", "--quiet", "."])
    problems = "\n".join(filter(None, (rules.problems, layout.problems)))
    return Outcome(
        "ruff", rules.seconds + layout.seconds, problems and f"{problems}\n'make format' may mend it"
    )


def conventions() -> Outcome:
    """dbt-bouncer on the manifest that `dbt parse` has written: a line for each breach, with what to do."""
    with tempfile.TemporaryDirectory() as directory:
        found = Path(directory) / "found.json"
        command = ["dbt-bouncer", "run", "--output-file", str(found), "--output-only-failures"]
        outcome = run_step("conventions", command)
        if outcome.problems and found.exists():
            lines = [
                f"{breach['file_path']}: {breach['failure_message']}"
                for breach in json.loads(found.read_text())
            ]
            return Outcome(outcome.step, outcome.seconds, "\n".join(lines) or outcome.problems)
    return outcome


def sqlfluff(files: Sequence[str]) -> Outcome:
    """sqlfluff on these files, as dbt compiles them."""
    if not files:
        return Outcome("sqlfluff", 0, remark=", no SQL file changed")
    outcome = run_step("sqlfluff", ["sqlfluff", "lint", "--disable-progress-bar", *files])
    problems = outcome.problems and f"{outcome.problems}\n'make format' may mend it"
    return Outcome(outcome.step, outcome.seconds, problems, f", {len(files)} SQL files changed")


def run_step(step: str, command: Sequence[str]) -> Outcome:
    """Run a program of the virtual environment in the project; its output is the problem when it fails."""
    # Conventions are checked in the project's own target folder, wherever other commands of the shell write.
    environment = {name: value for name, value in os.environ.items() if name != "DBT_TARGET_PATH"}
    started = time.monotonic()
    done = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=PROJECT_ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    failed = done.returncode != 0
    problems = (done.stdout.strip() or f"exit status {done.returncode}") if failed else ""
    return Outcome(step, time.monotonic() - started, problems)


def changed_sql_files(project: Path, base: str) -> list[str]:
    """The linted SQL files that differ from where the change left a branch, in commits or in the work tree.

    Args:
        project: the checkout.
        base: the branch, here or on the remote `origin`.

    Raises:
        LoaderError: there is no such branch, or this is no checkout.
    """
    changed = git.changed_files(git.beginning(base, project), project=project)
    return sorted(name for name in changed if _is_linted(name) and (project / name).exists())


def _is_linted(name: str) -> bool:
    return name.endswith(".sql") and any(name.startswith(f"{folder}/") for folder in LINTED)


if __name__ == "__main__":
    sys.exit(main())
