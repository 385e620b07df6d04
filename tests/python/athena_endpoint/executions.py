"""Query executions: a statement runs in a thread of its own while its client asks for its state."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
import sqlglot
import trino.dbapi
import trino.exceptions
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError

from athena_endpoint import results
from athena_endpoint.calls import REGION
from athena_endpoint.external_tables import replace_external_tables, table_names
from athena_endpoint.rewriting import optimize_steps
from athena_endpoint.row_sizes import RowSizes
from athena_endpoint.rules import Refused, check_column_type
from athena_endpoint.statements import Context, Statement, TableName, read_statement

# "You can't run more than … queries at the same time"; the default of accounts is 20 or more.
CONCURRENT_STATEMENTS = 8
# AthenaError of GetQueryExecution: whose fault it was, and what kind.
CATEGORY_SYSTEM, CATEGORY_USER = 1, 2
TYPE_ICEBERG, TYPE_OTHER = 233, 1200
DEFAULT_SNAPSHOT_AGE_SECONDS = 432_000
# One writer, so that the limit of partitions holds for the whole statement as in Athena, not for each writer.
SESSION = {"task_min_writer_count": "1", "task_max_writer_count": "1", "scale_writers": "false"}


@dataclass
class Execution:
    """One statement, from its start to its result."""

    sql: str
    context: Context
    work_group: str
    output_location: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "QUEUED"
    reason: str | None = None
    error: dict[str, Any] | None = None
    statement: Statement | None = None
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    update_count: int | None = None
    bytes_read: int = 0
    submitted_at: float = field(default_factory=time.time)
    completed_at: float | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    is_stopped: bool = False
    cursor: Any = None

    def lines(self) -> list[list[str | None]]:
        """The result as GetQueryResults and the file in S3 give it: a query's has a header."""
        if self._is_text:
            return [["\t".join(str(cell) for cell in row)] for row in self.rows]
        kinds = [results.parse_type(kind) for _, kind in self.columns]
        header = [[name for name, _ in self.columns]] if self.columns else []
        cells = (
            [results.text(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in self.rows
        )
        return [*header, *cells]

    def column_infos(self) -> list[dict[str, Any]]:
        """A ColumnInfo for each column of the lines."""
        columns = [("result", "varchar")] if self._is_text else self.columns
        return [results.column_info(name, kind) for name, kind in columns]

    @property
    def output_file(self) -> str:
        """Where in S3 the result is."""
        return f"{self.output_location.rstrip('/')}/{self.id}.{'txt' if self._is_text else 'csv'}"

    @property
    def _is_text(self) -> bool:
        """DDL and utilities answer lines of text."""
        return self.statement is not None and (
            self.statement.kind != "DML" or self.statement.substatement == "EXPLAIN"
        )

    @property
    def node(self) -> str | None:
        """The dbt node that sent it, from the comment that dbt writes in front."""
        for token in sqlglot.tokenize(self.sql, dialect="trino"):
            for comment in token.comments:
                try:
                    return json.loads(comment.strip().strip("/*").strip())["node_id"]
                except (ValueError, KeyError):
                    continue
        return None


class Executions:
    """Starts, runs, stops and remembers executions.

    Args:
        trino_port: of the Trino server.
        glue: boto3's client of Glue, for what Athena does in the name of its callers.
        s3: boto3's client of S3, likewise.
        catalog: pyiceberg's properties of the Glue catalog, for what only this endpoint asks.

    Attributes:
        seconds_later: how much older than it is VACUUM takes everything for.
    """

    def __init__(self, trino_port: int, glue: Any, s3: Any, catalog: Mapping[str, str]) -> None:
        self._trino_port = trino_port
        self._glue = _shared(glue)
        self._s3 = s3
        self._catalog = catalog
        self._own_glue = _shared(
            boto3.client(
                "glue",
                endpoint_url=catalog["glue.endpoint"],
                region_name=REGION,
                aws_access_key_id=catalog["glue.access-key-id"],
                aws_secret_access_key=catalog["glue.secret-access-key"],
            )
        )
        self._row_sizes = RowSizes(self._own_glue, catalog)
        self.seconds_later = 0
        self._pool = ThreadPoolExecutor(CONCURRENT_STATEMENTS, thread_name_prefix="athena")
        self._by_token: dict[str, str] = {}
        self.by_id: dict[str, Execution] = {}

    def start(self, execution: Execution, token: str | None) -> Execution:
        """Queue a statement; a request that repeats a ClientRequestToken gets what that has started."""
        if token is not None and (known := self._by_token.get(token)):
            return self.by_id[known]
        self.by_id[execution.id] = execution
        if token is not None:
            self._by_token[token] = execution.id
        self._pool.submit(self._run, execution)
        return execution

    def stop(self, execution: Execution) -> None:
        """Cancel a statement that has not ended."""
        execution.is_stopped = True
        if execution.cursor is not None and not execution.finished.is_set():
            execution.cursor.cancel()

    def close(self) -> None:
        """Wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, execution: Execution) -> None:
        try:
            if execution.is_stopped:
                raise _Stopped
            execution.state = "RUNNING"
            self._find_default_database()
            self._execute(execution)
            self._store_result(execution)
            outcome = "SUCCEEDED"
        except _Stopped:
            outcome, execution.reason = "CANCELLED", "Query was cancelled by user"
        except Refused as error:
            outcome = self._fail(execution, str(error), CATEGORY_USER)
        except trino.exceptions.TrinoQueryError as error:
            outcome = self._fail_in_trino(execution, error)
        except Exception as error:
            outcome = self._fail(execution, f"INTERNAL_ERROR_QUERY_ENGINE: {error!r}", CATEGORY_SYSTEM)
        execution.completed_at = time.time()
        execution.state = outcome
        execution.finished.set()

    def _fail_in_trino(self, execution: Execution, error: trino.exceptions.TrinoQueryError) -> str:
        if error.error_name == "USER_CANCELED":
            execution.reason = "Query was cancelled by user"
            return "CANCELLED"
        category = CATEGORY_USER if error.error_type == "USER_ERROR" else CATEGORY_SYSTEM
        return self._fail(
            execution, f"{error.error_name}: {' '.join((error.message or '').split())}", category
        )

    def _fail(self, execution: Execution, message: str, category: int) -> str:
        execution.reason = message
        execution.error = {
            "ErrorCategory": category,
            "ErrorType": TYPE_ICEBERG if message.startswith("ICEBERG_") else TYPE_OTHER,
            "Retryable": False,
            "ErrorMessage": message,
        }
        return "FAILED"

    def _find_default_database(self) -> None:
        """Athena asks for the database `default`, whatever the statement, and makes it when it is missing.

        https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        """
        try:
            self._glue.get_database(Name="default")
        except self._glue.exceptions.EntityNotFoundException:
            with suppress(self._glue.exceptions.AlreadyExistsException):
                self._glue.create_database(DatabaseInput={"Name": "default"})

    def _store_result(self, execution: Execution) -> None:
        at = urlsplit(execution.output_file)
        content = "".join(f"{','.join(map(_csv_cell, line))}\n" for line in execution.lines())
        self._s3.put_object(Bucket=at.netloc, Key=at.path.lstrip("/"), Body=content.encode())

    def _execute(self, execution: Execution) -> None:
        statement = execution.statement = read_statement(execution.sql, execution.context)
        if statement.external_table is not None:
            table = statement.external_table
            self._glue.create_table(DatabaseName=table.schema, TableInput=table.glue_input())
            return
        with trino.dbapi.connect(
            host="127.0.0.1",
            port=self._trino_port,
            user="athena",
            catalog=execution.context.catalog,
            schema=execution.context.schema,
            session_properties=SESSION,
            legacy_primitive_types=True,
            timezone="UTC",
        ) as connection:
            if statement.new_table is not None:
                self._check_new_table(execution, connection, statement.new_table)
            if statement.vacuum is not None:
                self._vacuum(execution, connection, statement.vacuum)
            if statement.optimize is not None:
                self._optimize(execution, connection, *statement.optimize)
            for step in statement.steps:
                self._step(execution, connection, step)

    def _step(self, execution: Execution, connection: Any, sql: str) -> None:
        cursor = execution.cursor = connection.cursor()
        tokens = sqlglot.tokenize(sql, dialect="trino")
        schema = execution.context.schema
        self._row_sizes.check(
            (names[-2] if len(names) > 1 else schema, names[-1]) for names in table_names(tokens)
        )
        cursor.execute(self._without_external_tables(sql, tokens))
        rows = cursor.fetchall()
        if execution.is_stopped:
            raise _Stopped
        execution.bytes_read += cursor.stats.get("physicalInputBytes", 0)
        if execution.statement.substatement in ("INSERT", "MERGE", "DELETE", "UPDATE"):
            execution.update_count = cursor.rowcount
        elif execution.statement.kind != "DDL":
            execution.columns = [(column[0], column[1]) for column in cursor.description or []]
            execution.rows = rows

    def _without_external_tables(self, sql: str, tokens: list[Any]) -> str:
        return replace_external_tables(sql, tokens, self._own_glue, self._s3, self._catalog)

    def _check_new_table(self, execution: Execution, connection: Any, query: str) -> None:
        cursor = connection.cursor()
        sql = f"select * from (\n{query}\n) limit 0"
        tokens = sqlglot.tokenize(sql, dialect="trino")
        cursor.execute(self._without_external_tables(sql, tokens))
        cursor.fetchall()
        for column in cursor.description:
            check_column_type(column[0], results.parse_type(column[1]))

    def _optimize(self, execution: Execution, connection: Any, table: TableName, where: str) -> None:
        try:
            found = load_catalog("own", **self._catalog).load_table((table.schema, table.table))
        except NoSuchTableError as error:
            raise Refused("TABLE_NOT_FOUND", f"Table '{table.sql}' does not exist") from error
        for step in optimize_steps(found, table.sql, where):
            self._step(execution, connection, step)

    def _vacuum(self, execution: Execution, connection: Any, table: TableName) -> None:
        """VACUUM: expire snapshots by the table's property, and remove files that no snapshot needs."""
        cursor = connection.cursor()
        properties = TableName(table.catalog, table.schema, f"{table.table}$properties")
        cursor.execute(f"select key, value from {properties.sql}")
        kept = dict(cursor.fetchall())
        age = int(kept.get("vacuum_max_snapshot_age_seconds", DEFAULT_SNAPSHOT_AGE_SECONDS))
        age = max(age - self.seconds_later, 0)
        for action in ("expire_snapshots", "remove_orphan_files"):
            self._step(
                execution,
                connection,
                f"alter table {table.sql} execute {action}(retention_threshold => '{age}s')",
            )


def _shared(client: Any) -> Any:
    """The client, ready for threads: botocore makes its error classes at their first use, once by thread."""
    assert client.exceptions is not None
    return client


def _csv_cell(cell: str | None) -> str:
    """As Athena writes it: everything in quotes but null."""
    return "" if cell is None else '"' + cell.replace('"', '""') + '"'


class _Stopped(Exception):
    """The client has stopped the execution."""
