"""Run dbt in this process, its output in dbt's log only."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from loaders.errors import one_line
from loaders.lakehouse.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult


def run_dbt(arguments: Sequence[str], tell: Callable[[str], None] | None = None) -> dbtRunnerResult:
    """Run a command of dbt on target `local` of this project.

    Args:
        arguments: what follows `dbt`.
        tell: hears of each model and test that is done.

    Returns:
        dbt's result; nothing is raised where the command fails.
    """
    from dbt.cli.main import dbtRunner  # seconds to import

    done = itertools.count(1)

    def hear(event: Any) -> None:
        if tell and event.info.name == "NodeFinished":
            tell(f"{next(done)} models and tests done, {event.data.node_info.node_name}")

    options = ["--target", "local", "--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT)]
    return dbtRunner(callbacks=[hear]).invoke(["--quiet", *arguments, *options])


def failures(result: dbtRunnerResult) -> list[str]:
    """What failed in a command of dbt, a line for each model and test; for none, why it could not begin."""
    lines = [
        f"{one.node.name}: {one_line(ValueError(one.message or one.status))}"
        for one in getattr(result.result, "results", None) or []
        if one.status in ("error", "fail", "runtime error")
    ]
    if not lines and not result.success:
        lines = [one_line(result.exception or RuntimeError("dbt failed and did not say why"))]
    return lines
