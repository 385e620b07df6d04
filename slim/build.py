"""What changed in the dbt project, and the build of it and of what reads it into a schema of its own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb

from loaders.catalog import catalog_errors
from loaders.dbt_runs import failures, run_dbt
from loaders.errors import LoaderError
from loaders.lakehouse.settings import Settings
from loaders.lakehouse.store import ensure_running
from slim.base import excluding
from slim.compare import Comparison, compare
from slim.git import PREFIX
from slim.keys import candidate_keys

_TABLES = ("model", "seed", "snapshot")
# Of the time at which dbt was called (macro invocation_started_at).
_TIME = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}'")


@dataclass
class Outcome:
    """What became of the tables that a change reaches."""

    changed: list[str] = field(default_factory=list)
    """Names of the changed models, seeds and snapshots themselves, sorted."""
    failures: list[str] = field(default_factory=list)
    """A line for each model and test that failed."""
    compared: dict[str, Comparison] = field(default_factory=dict)
    """By name; in the order of the lineage."""
    new: dict[str, int] = field(default_factory=dict)
    """Tables that were not there before, and their rows."""
    removed: list[str] = field(default_factory=list)
    """Those whose model is no more."""
    tests: int = 0
    """How many tests were run."""
    macros_of_no_table: list[str] = field(default_factory=list)
    """Changed macros that dbt ties to no table: those of materializations and operations."""


class SlimBuild:
    """One build of what changed since a state."""

    def __init__(self, settings: Settings, state: Path, schema: str, exclude: Sequence[str]) -> None:
        """Get ready to build.

        Args:
            settings: the lakehouse that has the state's tables.
            state: the directory of the manifest of the state.
            schema: where to build: begins with PREFIX.
            exclude: what dbt leaves out.
        """
        self._state = json.loads((state / "manifest.json").read_text())
        self._target = settings.home / "slim_target"
        self._compare_with = ["--state", str(state)]
        # A target directory of its own: what other commands have parsed of this project stays good.
        self._common = ["--target-path", str(self._target), "--log-path", str(settings.home / "logs")]
        self._exclude = list(exclude)
        os.environ["DBT_SCHEMA"] = schema

    def find_changes(self) -> list[str]:
        """The ids of what differs from the state: by dbt's own account, and models whose compiled SQL does.

        dbt compares files, settings and macros. Variables, and what a macro reads of other models' YAML,
        show in the SQL.

        Raises:
            LoaderError: the project can't be parsed or compiled.
        """
        select = ["--select", "state:modified", *excluding(self._exclude)]
        # This command prints what it finds, however quiet it should be.
        with redirect_stdout(StringIO()):
            listed = self._run(
                "ls", *select, *self._compare_with, "--output", "json", "--output-keys", "unique_id"
            )
        modified = [json.loads(line)["unique_id"] for line in listed.result or []]
        models = ["--select", "resource_type:model", "--exclude", "state:modified", *self._exclude]
        compiled = self._run("compile", *models, "--defer", *self._compare_with)
        for result in compiled.result.results:
            before = self._state["nodes"].get(result.node.unique_id, {}).get("compiled_code")
            # A state that was only parsed has no compiled SQL.
            if before and _TIME.sub("now", before) != _TIME.sub("now", result.node.compiled_code or ""):
                modified.append(result.node.unique_id)
        self._manifest = json.loads((self._target / "manifest.json").read_text())
        return modified

    def without_build(self) -> Outcome:
        """What can be told after `find_changes` without a build: what was removed, macros of no table."""
        removed = sorted(
            node["name"]
            for key, node in self._state["nodes"].items()
            if node["resource_type"] in _TABLES and key not in self._manifest["nodes"]
        )
        return Outcome(removed=removed, macros_of_no_table=self._macros_of_no_table())

    def _macros_of_no_table(self) -> list[str]:
        macros, before = self._manifest["macros"], self._state["macros"]
        told: set[str] = set()
        more = {
            macro
            for kind in ("nodes", "unit_tests")
            for node in self._manifest[kind].values()
            for macro in node["depends_on"]["macros"]
        }
        while more:
            told |= more
            more = {
                one for key in more if key in macros for one in macros[key]["depends_on"]["macros"]
            } - told
        project = self._manifest["metadata"]["project_name"]
        return sorted(
            macro["name"]
            for key, macro in macros.items()
            if macro["package_name"] == project
            and key not in told
            and macro["macro_sql"] != before.get(key, {}).get("macro_sql")
        )

    def build(self, modified: Sequence[str], tell: Callable[[str], None]) -> Outcome:
        """Build what changed and what reads it, with its tests; all other tables are those of the state.

        Unit tests are run of the changed models: those of their readers look at code that is as it was.

        Args:
            modified: ids that `find_changes` gave.
            tell: hears of each model and test that is done.
        """
        nodes = self._manifest["nodes"]
        models = {
            nodes[one]["name"] for one in modified if nodes.get(one, {}).get("resource_type") == "model"
        }
        other_tests = [
            test["name"]
            for key, test in self._manifest["unit_tests"].items()
            if test["model"] not in models and key not in modified
        ]
        arguments = ["--select", "state:modified+", *(f"{name}+" for name in sorted(models))]
        arguments += ["--exclude", *self._exclude, *other_tests] if self._exclude or other_tests else []
        # A full refresh has the tests look at all rows.
        result = run_dbt(
            ["build", *arguments, "--full-refresh", "--defer", *self._compare_with, *self._common], tell
        )
        tables = [one for one in modified if nodes.get(one, {}).get("resource_type") in _TABLES]
        outcome = self.without_build()
        outcome.changed = sorted(nodes[one]["name"] for one in tables)
        outcome.failures = failures(result)
        results = getattr(result.result, "results", None) or []
        outcome.tests = sum(one.node.resource_type in ("test", "unit_test") for one in results)
        self._built = [
            one.node.unique_id
            for one in results
            if one.node.resource_type in _TABLES
            and one.status == "success"
            and self._is_table(one.node.unique_id)
        ]
        return outcome

    def compare(self, connection: duckdb.DuckDBPyConnection, outcome: Outcome, examples: int) -> None:
        """Compare each table that was built with that of the state; what is found goes into the outcome."""
        for unique_id in self._built:
            node, before = self._manifest["nodes"][unique_id], self._state["nodes"].get(unique_id)
            if before is None:
                count = connection.execute(f"select count(*) from {node['relation_name']}").fetchone()
                assert count
                outcome.new[node["name"]] = count[0]
                continue
            try:
                outcome.compared[node["name"]] = compare(
                    connection,
                    before["relation_name"],
                    node["relation_name"],
                    candidate_keys(self._manifest, unique_id),
                    examples,
                )
            except duckdb.CatalogException:
                outcome.failures.append(
                    f"{node['name']}: the state has it, the lakehouse has no {before['relation_name']}"
                )

    def _is_table(self, unique_id: str) -> bool:
        config = self._manifest["nodes"][unique_id]["config"]
        return config["materialized"] != "ephemeral" and not config["meta"].get("is_book")

    def _run(self, *arguments: str) -> Any:
        result = run_dbt([*arguments, *self._common])
        if not result.success:
            raise LoaderError("; ".join(failures(result)))
        return result


def drop_slim_schemas() -> list[str]:
    """Drop the tables of all slim builds of the lakehouse; returns the names of their schemas.

    Raises:
        LoaderError: the catalog refuses.
    """
    from pyiceberg.catalog import load_catalog

    dropped = []
    with catalog_errors("the tables of the last slim build can't be dropped"):
        catalog = load_catalog("lake", **ensure_running().catalog_properties())
        for namespace, *_ in catalog.list_namespaces():
            if namespace.startswith(PREFIX):
                for table in catalog.list_tables(namespace):
                    catalog.purge_table(table)
                catalog.drop_namespace(namespace)
                dropped.append(namespace)
    return dropped
