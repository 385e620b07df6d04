"""`python -m loaders sql` and `connect`: look at the tables of the local lakehouse with SQL."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click
import duckdb

from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session
from loaders.lakehouse.first_tables import ensure_raw_tables
from loaders.lakehouse.settings import PROJECT_ROOT, write_private
from loaders.lakehouse.store import Store, ensure_running

HARLEQUIN = PROJECT_ROOT / ".venv-sql" / "bin" / "harlequin"
_PROMPT, _MORE = "lake> ", "  ...> "
_HELP = (
    "SQL ends with ; and Ctrl-D or exit ends all. Tables: show all tables; "
    "An example: from analytics.fct_sessions limit 5;"
)


@click.command("connect")
def connect_command() -> None:
    """Print the SQL by which DuckDB elsewhere on this machine reads the lakehouse, as `lake`.

    It has the lakehouse's keys in it.
    """
    store = _store()
    # Puts the extensions where the SQL finds them.
    duckdb_session.close(duckdb_session.connect())
    click.echo(
        f"-- For DuckDB {duckdb.__version__}: another version has to install httpfs and iceberg, not line 2"
    )
    for statement in duckdb_session.reading_statements(store):
        click.echo(f"{statement};")


@click.command("sql")
@click.option("-c", "--command", "query", help="Run this and end; by default a shell opens.")
def sql_command(query: str | None) -> None:
    """Open a shell on the lakehouse, which can't write to it.

    All tables are there as views, too: `from analytics.fct_sessions`. It is harlequin where that is
    installed (make sql) and somebody sits at a terminal, else lines of SQL.
    """
    store = _store()
    statements = [*duckdb_session.reading_statements(store), *_views()]
    if query is None and sys.stdin.isatty() and HARLEQUIN.exists():
        _harlequin(store, HARLEQUIN, statements)
        return
    connection = duckdb.connect()
    try:
        for statement in statements:
            connection.execute(statement)
        if query is None:
            _read_lines(connection)
        else:
            _run(connection, query)
    finally:
        duckdb_session.close(connection)


def _store() -> Store:
    """The lakehouse, with its raw tables."""
    store = ensure_running()
    ensure_raw_tables(store)
    return store


def _views() -> list[str]:
    """A view for each table: of an Iceberg table DuckDB knows the columns only once it was read."""
    connection = duckdb_session.connect()
    try:
        tables = connection.execute(
            "select table_schema, table_name from system.information_schema.tables "
            f"where table_catalog = '{duckdb_session.CATALOG}' order by 1, 2"
        ).fetchall()
        schemas = sorted({schema for schema, _ in tables})
        statements = [f'create schema if not exists "{schema}"' for schema in schemas]
        for statement in statements:
            connection.execute(statement)
        for schema, table in tables:
            view = f'create view "{schema}"."{table}" as from {duckdb_session.CATALOG}."{schema}"."{table}"'
            # What can't be read, or was dropped just now, keeps nobody from the others.
            with suppress(duckdb.Error):
                connection.execute(view)
                statements.append(view)
        return statements
    finally:
        duckdb_session.close(connection)


def _harlequin(store: Store, program: Path, statements: list[str]) -> None:
    script = store.settings.home / "sql_shell.sql"
    write_private(script, "".join(f"{statement};\n" for statement in statements))
    try:
        subprocess.run([program, "--adapter", "duckdb", "--init-path", script, ":memory:"], check=False)
    finally:
        script.unlink(missing_ok=True)


def _read_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """Read statements and show what they give, until there are no more lines.

    Raises:
        LoaderError: a statement failed that nobody typed; who sits at a terminal just goes on.
    """
    is_terminal = sys.stdin.isatty()
    if is_terminal:
        with suppress(ImportError):
            import readline  # noqa: F401 - arrow keys and a history
        click.echo(_HELP)
    text = ""
    while True:
        try:
            line = input((_MORE if text else _PROMPT) if is_terminal else "")
        except KeyboardInterrupt:
            click.echo()
            text = ""
            continue
        except EOFError:
            break
        if not text and line.strip().rstrip(";").lower() in ("exit", "quit"):
            return
        text += f"{line}\n"
        if line.rstrip().endswith(";"):
            query, text = text, ""
            try:
                _run(connection, query)
            except LoaderError as error:
                if not is_terminal:
                    raise
                click.echo(error, err=True)
    if text.strip():
        _run(connection, text)


def _run(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    try:
        for statement in connection.extract_statements(query):
            result = connection.sql(statement.query)
            if result is not None:
                result.show()
    except duckdb.Error as error:
        raise LoaderError(str(error)) from error
