"""`make new-model`: what it lays out keeps the conventions; what it can't lay out it refuses in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_conventions import breaches
from warehouse import copy_project, parsed_manifest

from loaders.lakehouse.settings import PROJECT_ROOT


def new_model(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(project / "scripts" / "new_model.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_laid_out_keeps_the_conventions(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    for arguments in (
        ("days_of_events", "--by", "event_date"),
        (
            "orders_of_customers",
            "--by",
            "customer_id",
            "--reads",
            "fct_transactions",
            "--folder",
            "marts/commerce",
        ),
        ("int_all_events", "--by", "everything"),
    ):
        done = new_model(project, *arguments)
        assert done.returncode == 0, done.stderr
    manifest = parsed_manifest(tmp_path / "target", project=project)
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    assert nodes["days_of_events"]["config"]["partitioned_by"] == ["month(event_date)"]
    assert nodes["days_of_events"]["config"]["meta"] == {"rebuild_by": "event_date"}
    assert nodes["orders_of_customers"]["original_file_path"].startswith("models/marts/commerce/")
    assert nodes["int_all_events"]["config"]["meta"] == {"rebuild_by": "everything"}
    conventions = tmp_path / "conventions"
    conventions.mkdir()
    assert breaches(manifest, conventions) == {}
    linter = str(Path(sys.executable).parent / "sqlfluff")
    files = [
        str(project / nodes[name]["original_file_path"]) for name in ("days_of_events", "orders_of_customers")
    ]
    linted = subprocess.run(
        [linter, "lint", "--config", str(PROJECT_ROOT / ".sqlfluff"), "--templater", "jinja", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("", "--by", "event_date"), "NAME is '': name it in lower case"),
        (("New-Mart", "--by", "event_date"), "name it in lower case"),
        (("stg_new", "--by", "event_date"), "by the example of models/staging"),
        (
            ("fct_sessions", "--by", "visitor_id"),
            "is there: models/marts/core/fct_sessions.sql. Take another name",
        ),
        (("click_ids", "--by", "visitor_id"), "is there: seeds/click_ids.csv"),
        (("new_mart", "--by", ""), "BY is '', and fct_web_events has no such column"),
        (("new_mart", "--by", "customer_id"), "name one of its columns, or another model with FROM=…"),
        (("new_mart", "--by", "event_date", "--reads", "fct_clicks"), "FROM is 'fct_clicks', which no file"),
        (("new_mart", "--by", "event_date", "--folder", "marts/sales"), "take one of marts/commerce"),
        (("new_mart", "--by", "event_date", "--folder", "../marts/core"), "belongs in marts"),
        (("int_new", "--by", "event_date", "--folder", "marts/core"), "belongs in intermediate"),
    ],
)
def test_what_can_not_be_laid_out_is_refused_in_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = new_model(PROJECT_ROOT, *arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("new-model: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
