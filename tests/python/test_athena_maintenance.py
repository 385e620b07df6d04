"""`maintain --engine athena`: the statements on an endpoint that speaks Athena's API."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from athena_warehouse import GLUE, AthenaWarehouse

from loaders.lakehouse.settings import PROJECT_ROOT

pytestmark = pytest.mark.athena


NAMES = ("raw.web_events", "raw.load_batches")


def maintain(athena: AthenaWarehouse, *options: str) -> list[dict[str, Any]]:
    """Let Athena maintain the tables; returns a report for each."""
    done = athena.command(
        *("python", "-m", "loaders", "maintain", *NAMES, "--engine", "athena", "--json", *options),
        **athena.endpoint.environment(),
    )
    reports = json.loads(done.stdout)
    assert [report["error"] for report in reports] == [None, None]
    return reports


def test_two_small_loads_become_one_file(athena: AthenaWarehouse, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(f'{{"n":{number}}}\n' * 10)
        athena.load("firehose", tmp_path)
    before = athena.rows("raw.web_events", catalog=GLUE)
    # One file for each day: tests run past midnight, too.
    days = len({row["loaded_at"].date() for row in athena.rows("raw.web_events", catalog=GLUE)})
    for report in maintain(athena):
        # And whatever earlier tests have loaded.
        assert report["data_files"] >= 2
        assert report["data_files_after"] == days
    with athena.endpoint.later(days=4):
        # A writer may be about to commit the files of five days.
        reports = maintain(athena, "--force", "--keep-snapshots", "0s", "--keep-orphans", "5d")
        assert all(report["snapshots_after"] > 1 for report in reports)
        reports = maintain(athena, "--force", "--keep-snapshots", "0s", "--keep-orphans", "3d")
    assert all(report["snapshots_after"] == 1 for report in reports)
    after = athena.rows("raw.web_events", catalog=GLUE)
    assert sorted(map(str, after)) == sorted(map(str, before))
    assert athena.load("firehose", tmp_path)["skipped"] == 2


def test_one_delete_file_is_applied(athena: AthenaWarehouse, tmp_path: Path) -> None:
    (tmp_path / "deleted.json").write_text('{"deleted":true}\n{"kept":true}\n')
    athena.load("firehose", tmp_path)
    athena.run_statement("delete from raw.web_events where payload = '{\"deleted\":true}'")
    reports = maintain(athena)
    assert [(report["delete_files"], report["delete_files_after"]) for report in reports] == [(0, 0), (1, 0)]


def test_aws_region_is_enough(athena: AthenaWarehouse, tmp_path: Path) -> None:
    """Of the region's many names only the documented one is set: for the loaders, maintenance and dbt."""
    (tmp_path / "region.json").write_text('{"region":1}\n')
    environment = {**athena.environment, **athena.endpoint.environment(), "AWS_CONFIG_FILE": "/dev/null"}
    named = {name for name in environment if name.startswith(("AWS_", "PYICEBERG_")) and "REGION" in name}
    for name in named - {"AWS_REGION"}:
        del environment[name]
    assert environment["AWS_REGION"]
    for command in (
        ("python", "-m", "loaders", "firehose", str(tmp_path)),
        ("python", "-m", "loaders", "maintain", *NAMES),
        ("python", "-m", "loaders", "maintain", *NAMES, "--engine", "athena"),
        ("dbt", "debug", "--target", "athena"),
    ):
        program = Path(sys.executable).parent / command[0]
        done = subprocess.run(
            [program, *command[1:]],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
