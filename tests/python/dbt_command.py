"""Run dbt as a command, in a process that need not import dbt and parse the project once more.

Both take longer than most commands of tests do. The process is forked from one that has only imported dbt;
what was parsed is given back to dbt, which looks at itself what of it still holds.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["dbt.cli.main"])
_parsed = tempfile.TemporaryDirectory(prefix="parsed-")


def run(arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess:
    """Run dbt to its end.

    Args:
        arguments: what follows `dbt`.
        cwd: the project's directory.
        environment: all variables of the process; DBT_TARGET_PATH is one.

    Returns:
        The exit status and what dbt wrote.
    """
    parsed = Path(environment["DBT_TARGET_PATH"]) / "partial_parse.msgpack"
    kept = Path(_parsed.name) / _what_is_parsed(arguments, cwd, environment)
    if kept.exists():
        parsed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, parsed)
    with tempfile.TemporaryDirectory(prefix="dbt-") as output:
        process = _forks.Process(target=_dbt, args=(list(arguments), cwd, dict(environment), output))
        process.start()
        process.join()
        written = [(Path(output) / name).read_text() for name in ("stdout", "stderr")]
    if parsed.exists():
        shutil.copy(parsed, kept)
    return subprocess.CompletedProcess(["dbt", *arguments], process.exitcode, *written)


def _what_is_parsed(arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> str:
    """A name for what dbt parses anew when it is another: project, target, schema and vars."""
    options = [
        text
        for name, text in itertools.pairwise(arguments)
        if name in ("--target", "--vars", "--project-dir")
    ]
    variables = [environment.get(name) for name in ("DBT_SCHEMA", "DBT_TARGET")]
    return hashlib.sha256(json.dumps([str(cwd), options, variables]).encode()).hexdigest()


def _dbt(arguments: list[str], cwd: Path, environment: dict[str, str], output: str) -> None:
    """What the new process does."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(output) / name, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["dbt", *arguments]
    from dbt.cli.main import cli

    cli()
