"""A lakehouse of its own for a test: started on free ports, loaded and built through the real commands."""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TextIO

import dbt_command
import duckdb
import yaml
from pyiceberg.catalog import Catalog, load_catalog

from loaders.lakehouse import duckdb_session, ports, store
from loaders.lakehouse.settings import ADMIN_GRPC_OFFSET, PORT_NAMES, PROJECT_ROOT, Settings

Row = dict[str, Any]

# For dbt in tests.
QUICK = {
    # What they say depends on the code alone: test_end_to_end runs them once, for all.
    "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
    # What a failure needs is in the output.
    "DBT_LOG_LEVEL_FILE": "none",
}

# What tests leave out, with all that reads it, that are about how models are built and not about marts.
MARTS = (
    "models/staging/commerce",
    "models/intermediate/tours",
    "models/intermediate/growth",
    "models/intermediate/observability",
)

# What loads each folder of a sample, and into which table when it is not events.
SAMPLE_FOLDERS = (
    ("historical", "archive", None),
    ("firehose", "firehose", None),
    *(("historical", dataset, dataset) for dataset in ("products", "transactions", "reviews")),
)


def claim_port_block() -> tuple[int, TextIO]:
    """The first port of a block that nothing listens on, and the lock that keeps others from it until closed.

    The lock is kept while the block is used: a store starts after its ports were chosen, and again later.
    """
    # Below the ports that systems hand out by themselves, also with the offset of the last port.
    blocks = range(20_000, 22_700, 20)
    # In random order: other users' tests do not see the lock.
    for first in random.sample(blocks, len(blocks)):
        claim = ports.lock_file(f"block-{first}.lock")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            continue
        block = [first + offset for offset in range(len(PORT_NAMES))]
        if all(ports.is_free(port) for port in [*block, block[-1] + ADMIN_GRPC_OFFSET]):
            return first, claim
        claim.close()
    raise RuntimeError("no block of free ports between 20000 and 22700")


def copy_project(copy: Path) -> Path:
    """A copy of the dbt project, that a test may change; returns its path."""
    ignored = shutil.ignore_patterns(".*", "target", "logs", "dbt_packages", "lakehouse.db")
    return Path(shutil.copytree(PROJECT_ROOT, copy, ignore=ignored))


def _with_variables(arguments: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments of dbt with more variables than those that they give, if they give any."""
    at = arguments.index("--vars") if "--vars" in arguments else len(arguments)
    own = yaml.safe_load(arguments[at + 1]) if "--vars" in arguments else {}
    return (*arguments[:at], "--vars", json.dumps({**variables, **own}), *arguments[at + 2 :])


def git(checkout: Path, *arguments: str) -> None:
    """Run git in a checkout of a test's own, as somebody, whatever the machine's settings."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True)


def parsed_manifest(target: Path, *arguments: str, project: Path = PROJECT_ROOT) -> dict[str, Any]:
    """The manifest that `dbt parse` writes of a project, without a lakehouse.

    Args:
        target: dbt's folder.
        arguments: what follows `dbt parse`.
        project: the dbt project.
    """
    environment = {
        **os.environ,
        **QUICK,
        "DBT_TARGET_PATH": str(target),
        "DBT_PROFILES_DIR": str(project),
        "DBT_PACKAGES_PATH": os.environ.get("DBT_PACKAGES_PATH") or "tests/offline_packages",
    }
    done = dbt_command.run(["parse", *arguments], project, environment)
    assert done.returncode == 0, done.stdout
    return json.loads((target / "manifest.json").read_text())


def assert_unit_tests_pass(
    dbt: Callable[..., subprocess.CompletedProcess], *arguments: str, **environment: str
) -> None:
    """Run dbt's unit tests, which other commands of tests leave out, by a command of a warehouse."""
    select = ("--select", "test_type:unit", *arguments)
    done = dbt("test", *select, DBT_EXCLUDE_RESOURCE_TYPES="", **environment)
    assert re.search(r"Finished running .*\b[1-9]\d* unit test", done.stdout), "no unit test was run"


class Warehouse:
    """One local lakehouse with its loaders and its dbt project."""

    def __init__(
        self,
        home: Path,
        project: Path = PROJECT_ROOT,
        left_out: Collection[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """A lakehouse below `home`.

        left_out: folders of models that are not built, nor what reads them.
        variables: those of the project that each command of dbt gets, beside its own.
        """
        self.project = project
        self.left_out = left_out
        self.variables = variables or {}
        port, self._ports = claim_port_block()
        self.settings = Settings(home=home / "lakehouse", port=port)
        self.environment = {
            **os.environ,
            "LAKEHOUSE_HOME": str(self.settings.home),
            "LAKEHOUSE_PORT": str(self.settings.port),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "logs"),
            "DBT_PROFILES_DIR": str(project),
            "DBT_PACKAGES_PATH": os.environ.get("DBT_PACKAGES_PATH") or "tests/offline_packages",
            "PYICEBERG_HOME": str(home),
        }

    def close(self) -> None:
        """Stop the store and let others have its ports."""
        store.stop(self.settings)
        self._ports.close()

    def command(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        """Run a program of the virtual environment in the checkout; a failure shows its output."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
            cwd=self.project,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return self._checked(done) if check else done

    @staticmethod
    def _checked(done: subprocess.CompletedProcess) -> subprocess.CompletedProcess:
        if done.returncode != 0:
            raise AssertionError(
                f"{' '.join(done.args)} failed:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
            )
        return done

    def load(self, loader: str, uri: Path | str, into: str | None = None, **environment: str) -> Row:
        """Run a loader; returns its summary."""
        more = ["--into", into] if into else []
        arguments = ("python", "-m", "loaders", loader, str(uri), *more, "--json")
        return json.loads(self.command(*arguments, **environment).stdout)

    def load_sample(self, directory: Path) -> None:
        """Run the loaders on all that a sample has: events, then every other dataset."""
        for loader, folder, into in SAMPLE_FOLDERS:
            if (directory / folder).exists():
                self.load(loader, directory / folder, into)

    def dbt(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        """Run dbt; `run` makes the seeds, too, which the models need."""
        if arguments[:1] == ("run",):
            arguments = ("build", "--resource-type", "seed", "--resource-type", "model", *arguments[1:])
        if arguments[0] == "build" and self.left_out:
            arguments = (*arguments, "--exclude", *(f"path:{folder}+" for folder in self.left_out))
        if self.variables:
            arguments = _with_variables(arguments, self.variables)
        done = dbt_command.run(arguments, self.project, {**self.environment, **QUICK, **environment})
        return self._checked(done) if check else done

    def catalog(self) -> Catalog:
        """The lakehouse's catalog, through pyiceberg."""
        return load_catalog("test", **store.ensure_running(self.settings).catalog_properties())

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB whose catalog `lake` is this lakehouse."""
        running = store.ensure_running(self.settings)
        connection = duckdb.connect(config=duckdb_session.connection_options(running))
        duckdb_session.prepare(connection, running)
        duckdb_session.attach(connection, running)
        return connection

    def rows(self, table: str, columns: str = "*", catalog: str = "lake") -> list[Row]:
        """All rows of `namespace.table`."""
        with self.connect() as connection:
            result = connection.execute(f"select {columns} from {catalog}.{table}")
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def snapshot_ids(self) -> dict[str, int | None]:
        """The current snapshot of every table of the catalog, read by pyiceberg."""
        catalog = self.catalog()
        tables = [name for namespace in catalog.list_namespaces() for name in catalog.list_tables(namespace)]
        found = {}
        for name in tables:
            snapshot = catalog.load_table(name).current_snapshot()
            found[".".join(name)] = snapshot.snapshot_id if snapshot else None
        return found

    @property
    def manifest(self) -> Path:
        """What the last command of dbt has parsed."""
        return Path(self.environment["DBT_TARGET_PATH"]) / "manifest.json"

    def models(self, *, books: bool = False) -> dict[str, str]:
        """Name and `schema.table` of every stored model and snapshot of the last run, or of every book."""
        manifest = json.loads(self.manifest.read_text())
        left_out = {
            key
            for key, node in manifest["nodes"].items()
            if node["original_file_path"].startswith(tuple(self.left_out))
        }
        while more := {child for key in left_out for child in manifest["child_map"][key]} - left_out:
            left_out |= more
        return {
            node["name"]: f"{node['schema']}.{node['alias']}"
            for key, node in manifest["nodes"].items()
            if node["resource_type"] in ("model", "snapshot")
            and key not in left_out
            and node["config"]["materialized"] != "ephemeral"
            and node["config"]["meta"].get("is_book", False) is books
        }

    def take_back_books(self, before: dict[str, int | None]) -> None:
        """Leave the lakehouse as a run does that is killed after its last model, before it writes the books.

        Args:
            before: the snapshots from before the run, as `snapshot_ids` has them.
        """
        catalog = self.catalog()
        taken_back = 0
        for table in self.models(books=True).values():
            book, snapshot_id = catalog.load_table(table), before[table]
            if book.metadata.current_snapshot_id != snapshot_id:
                # A run that leaves changes in a book of none is not what this imitates.
                assert snapshot_id is not None, table
                book.manage_snapshots().rollback_to_snapshot(snapshot_id).commit()
                taken_back += 1
        assert taken_back
