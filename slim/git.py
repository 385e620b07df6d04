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

# What schemas of slim builds begin with.
PREFIX = "slim_"
# Beside the folders that dbt_project.yml names.
_DBT_FILES = ("dbt_project.yml", "packages.yml", "package-lock.yml", "tests/offline_packages")


def beginning(base: str, project: Path = PROJECT_ROOT) -> str:
    """The commit at which HEAD left a branch: what came to the branch since is no change of HEAD's.

    Args:
        base: a branch or commit; a branch that is only on the remote will do.
        project: the checkout.

    Raises:
        LoaderError: there is none, or the clone is too shallow to tell.
    """
    for name in (base, f"origin/{base}"):
        if _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", project=project, check=False):
            commit = _git("merge-base", name, "HEAD", project=project, check=False)
            if commit:
                return commit
            raise LoaderError(f"git finds no commit that {name} and HEAD share: fetch the history of both")
    raise LoaderError(
        f"git knows no {base!r}, so there is no branch {base!r} to compare with: name a branch or commit, "
        f"or run git fetch origin {base}"
    )


def changed_files(commit: str, *paths: str, project: Path = PROJECT_ROOT) -> set[str]:
    """The files that differ from a commit, in HEAD or uncommitted, new and deleted ones among them.

    Args:
        commit: that is compared with.
        paths: files and folders to look at; all, where none is named.
        project: the checkout.
    """
    differing = _git("diff", "--name-only", "--relative", commit, "--", *paths, project=project)
    new = _git("ls-files", "--others", "--exclude-standard", "--", *paths, project=project)
    return {*differing.splitlines(), *new.splitlines()}


def has_changes(commit: str) -> bool:
    """Whether any file that dbt reads differs from a commit, in HEAD or uncommitted."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())
    folders = [folder for key, value in project.items() if key.endswith("-paths") for folder in value]
    return bool(changed_files(commit, *_DBT_FILES, *folders))


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
    return PREFIX + re.sub("[^a-z0-9]+", "_", branch.lower()).strip("_")[:40]


def _git(*arguments: str, project: Path = PROJECT_ROOT, check: bool = True) -> str:
    return _run(*arguments, project=project, check=check).stdout.decode().strip()


def _run(
    *arguments: str, project: Path = PROJECT_ROOT, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, check=False)
    if check and done.returncode:
        said = " ".join(done.stderr.decode().split())
        raise LoaderError(f"git {arguments[0]} failed: {said}")
    return done
