"""Put dbt packages where dbt looks: those of the hub, or the stand-ins where it can't be reached."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import requests

STAND_INS = Path(__file__).resolve().parent
PROJECT_ROOT = STAND_INS.parents[1]
PROBE_SECONDS = 3
DEPS_SECONDS = 60


def main(project: Path, *, hub_only: bool = False) -> None:
    """Fill `dbt_packages` of a project and say with which of the two.

    Args:
        project: its directory.
        hub_only: end with an error where the hub's can't be had.
    """
    installed = project / "dbt_packages"
    if reason := _install_real(project, installed):
        if hub_only:
            sys.exit(f"dbt packages: {reason}, and the stand-ins were not asked for")
        if _is_real(installed):
            print(f"dbt packages: {reason}; the real ones in {installed.name} stay")
        else:
            _link_stand_ins(installed)
            print(
                f"dbt packages: {reason}; {installed.name} has the stand-ins of tests/offline_packages "
                f"('make packages' tries again)"
            )
    else:
        print(f"dbt packages: the real ones of the package hub, in {installed.name}")


def _install_real(project: Path, installed: Path) -> str | None:
    """Install the packages of packages.yml; returns why that can't be done."""
    from dbt.clients.registry import DEFAULT_REGISTRY_BASE_URL  # takes long, and a test needs only the rest

    try:
        requests.get(DEFAULT_REGISTRY_BASE_URL, timeout=PROBE_SECONDS)
    except requests.RequestException:
        return "the package hub can't be reached"
    # Beside the old ones, so that half of them are never in use.
    new = project / "target" / "dbt_packages"
    shutil.rmtree(new, ignore_errors=True)
    command = [Path(sys.executable).parent / "dbt", "--quiet", "deps"]
    try:
        done = subprocess.run(
            command,
            cwd=project,
            env={**os.environ, "DBT_PACKAGES_PATH": str(new.relative_to(project))},
            capture_output=True,
            timeout=DEPS_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the package hub gave no packages within {DEPS_SECONDS} s"
    if done.returncode or not _is_real(new):
        return "the package hub gave no packages"
    shutil.rmtree(installed, ignore_errors=True)
    new.rename(installed)
    return None


def _is_real(packages: Path) -> bool:
    return packages.is_dir() and any(one.is_dir() and not one.is_symlink() for one in packages.iterdir())


def _link_stand_ins(installed: Path) -> None:
    """Links, so that they are those of the checkout after the next pull, too."""
    installed.mkdir(exist_ok=True)
    for package in STAND_INS.iterdir():
        link = installed / package.name
        if (package / "dbt_project.yml").exists() and not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(os.path.relpath(package, installed), target_is_directory=True)


if __name__ == "__main__":
    main(PROJECT_ROOT, hub_only="--hub-only" in sys.argv[1:])
