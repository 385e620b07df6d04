"""What git knows of a change: the commit it began at, the files it touches, its branch."""

from __future__ import annotations

import re
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import yaml

from loaders.errors import LoaderError
from loaders.lakehouse.settings import PROJECT_ROOT

# Beside the folders that dbt_project.yml names.
_DBT_FILES = ("dbt_project.yml", "packages.yml", "package-lock.yml", "tests/offline_packages")


def beginning(base: str) -> str:
    """The commit at which HEAD left a branch: what came to the branch since is no change of HEAD's.

    Args:
        base: a branch or commit; a branch that is only on the remote will do.

    Raises:
        LoaderError: there is none, or the clone is too shallow to tell.
    """
    for name in (base, f"origin/{base}"):
        if _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False):
            commit = _git("merge-base", name, "HEAD", check=False)
            if commit:
                return commit
            raise LoaderError(f"git finds no commit that {name} and HEAD share: fetch the history of both")
    raise LoaderError(f"git knows no {base!r}: name a branch or commit, or run git fetch origin {base}")


def has_changes(commit: str) -> bool:
    """Whether any file that dbt reads differs from a commit, in HEAD or uncommitted."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())
    folders = [folder for key, value in project.items() if key.endswith("-paths") for folder in value]
    paths = [*_DBT_FILES, *folders]
    new = _git("ls-files", "--others", "--exclude-standard", "--", *paths)
    return bool(_git("diff", "--name-only", commit, "--", *paths) or new)


def export(commit: str, to: Path) -> None:
    """Write the files of a commit into a directory."""
    archive = _run("archive", "--format=tar", commit).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(to, filter="data")


def schema_name() -> str:
    """The schema of HEAD's slim build: `slim_` and the branch, or the commit where there is none."""
    branch = _git("symbolic-ref", "--quiet", "--short", "HEAD", check=False) or _git(
        "rev-parse", "--short", "HEAD"
    )
    return "slim_" + re.sub("[^a-z0-9]+", "_", branch.lower()).strip("_")[:40]


def _git(*arguments: str, check: bool = True) -> str:
    return _run(*arguments, check=check).stdout.decode().strip()


def _run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(["git", *arguments], cwd=PROJECT_ROOT, capture_output=True, check=False)
    if check and done.returncode:
        said = " ".join(done.stderr.decode().split())
        raise LoaderError(f"git {arguments[0]} failed: {said}")
    return done
