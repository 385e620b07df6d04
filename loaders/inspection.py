"""`python -m loaders inspect FILE`: what loading and staging would make of the records of a file.

The records are split by the loaders' own splitter and staged by the project's own SQL: dbt compiles the model
stg_web_events, and DuckDB runs it on the records in a file of its own. No lakehouse is started or written to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as pa
from rich.console import Console

from loaders.envelope import batch_rows
from loaders.errors import LoaderError
from loaders.inspection_report import show
from loaders.lakehouse import duckdb_session, json_functions
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.object_reader import Finished, Refused, reading
from loaders.objects import list_objects

DEFAULT_RECORDS = 1000
STAGING, PATHS, SPELLINGS = "stg_web_events", "event_format_paths", "unknown_event_spellings"
# What staging reads while it is compiled, and what the spellings are joined with.
SEEDS = ("missing_values", "event_actions")
SCHEMA = "inspect"
# Columns that say where a record came from, or that follow from others.
_NO_FIELDS = {"event_date", "timestamp_source", "visitor_id", "page_path"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Inspection:
    """What was found in a sample of an object."""

    uri: str
    records: int
    is_whole: bool
    """Whether the sample is all that the object has."""
    formats: list[Row]
    """source_format (None: unknown), accepted, rejected, enveloped."""
    rejections: list[Row]
    """rejection_reason, source_format, records, first_position, first_payload, parse_error."""
    fields: list[Row]
    """Of accepted records: source_format, field, records, example."""
    unread_keys: list[Row]
    """source_format, payload_key, records."""
    unknown_spellings: list[Row]
    """source_format, event_type, event_name, records."""


@click.command("inspect")
@click.argument("uri", metavar="FILE")
@click.option(
    "--records",
    "most",
    type=click.IntRange(min=1),
    default=DEFAULT_RECORDS,
    show_default=True,
    help="How many to look at, from the start.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def inspect_command(uri: str, most: int, as_json: bool) -> None:
    """Say what would become of the web events in a file, and load nothing.

    FILE is a file, or a directory or s3://bucket/prefix whose first file is looked at. By format: what would
    be accepted, what rejected and why, which fields are found, which keys nothing reads, and which spellings
    of events the seed event_actions does not have.
    """
    console = Console()
    with Console(stderr=True).status("splitting and staging a sample"):
        found = inspect_object(uri, most)
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        show(console, found)


def inspect_object(uri: str, most: int = DEFAULT_RECORDS) -> Inspection:
    """Split, stage and count a sample.

    Args:
        uri: see `list_objects`; the first object is looked at.
        most: so many records from its start.

    Raises:
        LoaderError: the object can't be read, or dbt can't compile the project.
    """
    name, rows, is_whole = _sample(uri, most)
    with _staged(rows) as staged:
        return Inspection(
            uri=name,
            records=len(rows),
            is_whole=is_whole,
            formats=staged.rows(_FORMATS),
            rejections=staged.rows(_REJECTIONS),
            fields=staged.rows(_fields_query(staged.columns())),
            unread_keys=staged.rows(_UNREAD_KEYS.format(paths=staged.sql(PATHS))),
            unknown_spellings=staged.rows(_UNKNOWN_SPELLINGS.format(spellings=staged.sql(SPELLINGS))),
        )


def _sample(uri: str, most: int) -> tuple[str, pa.Table, bool]:
    """The name of the first object, its first records as raw rows, and whether these are all."""
    listing = list_objects(uri)
    if not listing.objects:
        raise listing.errors[0]
    stored = listing.objects[0]
    parts: list[pa.Table] = []
    count, is_whole = 0, True
    with reading(listing, [stored], "historical") as steps:
        for step in steps:
            if isinstance(step, Refused):
                raise step.error
            if isinstance(step, Finished):
                break
            part = step.rows.slice(0, most - count)
            parts.append(part)
            count += len(part)
            if len(part) < len(step.rows):
                is_whole = False
                break
    if not count:
        raise LoaderError(f"{stored.uri} has no records")
    now = datetime.now(UTC).replace(tzinfo=None)
    return stored.uri, batch_rows(pa.concat_tables(parts), "sample", now), is_whole


class _Staged:
    """A DuckDB in which the sample is staged, and the SQL that dbt has compiled."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, compiled: Path) -> None:
        self._connection = connection
        self._compiled = compiled

    def sql(self, name: str) -> str:
        """The compiled SQL of a model or an analysis."""
        return next(self._compiled.rglob(f"{name}.sql")).read_text()

    def rows(self, query: str) -> list[Row]:
        """The rows of a query, in which `staged` is the staged sample."""
        result = self._connection.execute(query)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def columns(self) -> list[str]:
        return [row["column_name"] for row in self.rows("describe staged")]


@contextmanager
def _staged(rows: pa.Table) -> Iterator[_Staged]:
    with tempfile.TemporaryDirectory(prefix="inspect-") as name:
        directory = Path(name)
        database = directory / "lake.duckdb"
        with duckdb.connect(str(database)) as connection:
            _make_seeds(connection)
        compiled = _compile(directory, database)
        connection = duckdb.connect(str(database))
        try:
            staged = _Staged(connection, compiled)
            _stage(connection, rows, staged.sql(STAGING))
            yield staged
        finally:
            duckdb_session.close(connection)


def _stage(connection: duckdb.DuckDBPyConnection, rows: pa.Table, sql: str) -> None:
    json_functions.register(connection)
    connection.register("sample", rows)
    for statement in (
        "set TimeZone = 'UTC'",
        "create schema raw",
        "create table raw.web_events as from sample",
        f"create schema {SCHEMA}_staging",
        f"create table {SCHEMA}_staging.{STAGING} as ({sql}\n)",
        f"create view staged as from {SCHEMA}_staging.{STAGING}",
    ):
        connection.execute(statement)


def _make_seeds(connection: duckdb.DuckDBPyConnection) -> None:
    """The seeds as dbt makes them: texts, where a cell that is empty or reads null is null."""
    connection.execute(f"create schema {SCHEMA}_seeds")
    for seed in SEEDS:
        path = str(PROJECT_ROOT / "seeds" / f"{seed}.csv").replace("'", "''")
        connection.execute(
            f"create table {SCHEMA}_seeds.{seed} as "
            f"from read_csv('{path}', header=true, all_varchar=true, nullstr=['', 'null'])"
        )


def _compile(directory: Path, database: Path) -> Path:
    """Let dbt compile what is run on the sample; returns the directory of the SQL.

    Raises:
        LoaderError: dbt fails.
    """
    output = {"type": "duckdb", "path": str(database), "schema": SCHEMA, "threads": 1}
    profiles = {"web_events_lakehouse": {"target": SCHEMA, "outputs": {SCHEMA: output}}}
    # JSON is YAML.
    (directory / "profiles.yml").write_text(json.dumps(profiles))
    command = [
        *(str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "--quiet", "compile"),
        *("--select", STAGING, PATHS, SPELLINGS),
        *("--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(directory), "--target", SCHEMA),
        *("--target-path", str(directory / "target"), "--log-path", str(directory / "logs")),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    if packages := os.environ.get("DBT_PACKAGES_PATH"):
        environment["DBT_PACKAGES_PATH"] = packages
    done = subprocess.run(
        command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(f"{done.stdout}\n{done.stderr}".split())[-1000:]
        raise LoaderError(f"dbt can't compile the project, see what 'dbt compile' says: {said}")
    return directory / "target" / "compiled"


_FORMATS = """
select
    source_format,
    count(*) filter (where rejection_reason is null) as accepted,
    count(*) filter (where rejection_reason is not null) as rejected,
    count(*) filter (where is_enveloped and rejection_reason is null) as enveloped
from staged
group by source_format
order by count(*) desc, source_format
"""

_REJECTIONS = """
select
    rejection_reason,
    source_format,
    count(*) as records,
    min(source_position) as first_position,
    arg_min(payload, source_position) as first_payload,
    arg_min(parse_error, source_position) as parse_error
from staged
where rejection_reason is not null
group by rejection_reason, source_format
order by records desc, rejection_reason, source_format
"""

# A key is read when it is a path, or above or below one.
_UNREAD_KEYS = """
with paths as ({paths}),
keys as (
    select source_format, unnest(string_split(payload_keys, chr(10))) as payload_key
    from staged
)
select source_format, payload_key, count(*) as records
from keys
where not exists (
    from paths
    where paths.source_format = keys.source_format and (
        paths.json_path = keys.payload_key
        or starts_with(paths.json_path, keys.payload_key || '.')
        or starts_with(paths.json_path, keys.payload_key || '[')
        or starts_with(keys.payload_key, paths.json_path || '.')
    )
)
group by source_format, payload_key
order by source_format, records desc, payload_key
"""

_UNKNOWN_SPELLINGS = """
select source_format, event_type, event_name, record_count as records
from ({spellings}) as spellings
order by records desc, source_format, event_type, event_name
"""


def _fields_query(columns: list[str]) -> str:
    fields = [name for name in columns[columns.index("event_id") :] if name not in _NO_FIELDS]
    counts = {
        "event_timestamp": "case when timestamp_source = 'event' then event_timestamp end",
        "lines": "case when len(lines) > 0 then lines end",
    }
    selects = [
        f"select source_format, {number} as place, '{name}' as field, count({value}) as records, "
        f"any_value(cast({value} as varchar)) as example "
        "from staged where rejection_reason is null group by source_format"
        for number, name in enumerate(fields)
        for value in [counts.get(name, f'"{name}"')]
    ]
    return (
        f"select source_format, field, records, example from ({' union all '.join(selects)}) as fields "
        "where records > 0 order by source_format, place"
    )
