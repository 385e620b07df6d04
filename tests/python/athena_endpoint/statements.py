"""From a statement of Athena to what Trino is told.

Queries and DML are Trino's own and go through as they are. DDL is Hive's; CREATE TABLE AS has properties of
Athena's: sqlglot reads both. Its dialect `athena` knows which of the two engines a statement belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import Token, TokenType

from athena_endpoint.external_tables import CSV_SERDE, ExternalTable
from athena_endpoint.rules import NotPlayed, Refused, check_column_type, check_property, check_statement

# A property of CREATE TABLE AS, as the user guide lists them for Iceberg, and Trino's.
_TABLE_PROPERTIES = {
    "location": "location",
    "partitioning": "partitioning",
    "format": "format",
    "write_compression": "compression_codec",
}
# Properties that Athena keeps for OPTIMIZE and VACUUM.
MAINTENANCE_PROPERTIES = frozenset(
    {
        "optimize_rewrite_min_data_file_size_bytes",
        "optimize_rewrite_max_data_file_size_bytes",
        "optimize_rewrite_data_file_threshold",
        "optimize_rewrite_delete_file_threshold",
        "vacuum_min_snapshots_to_keep",
        "vacuum_max_snapshot_age_seconds",
        "vacuum_max_metadata_files_to_keep",
        "write_target_data_file_size_bytes",
        "write_compression",
        "format",
    }
)


@dataclass(frozen=True)
class TableName:
    """A table in the context of a statement."""

    catalog: str
    schema: str
    table: str

    @property
    def sql(self) -> str:
        return ".".join(quoted(part) for part in (self.catalog, self.schema, self.table))


@dataclass(frozen=True)
class Context:
    """What names in a statement are relative to (QueryExecutionContext)."""

    catalog: str
    schema: str

    def table(self, table: exp.Table) -> TableName:
        return TableName(table.catalog or self.catalog, table.db or self.schema, table.name)


@dataclass(frozen=True)
class Statement:
    """A statement that Athena takes.

    Attributes:
        kind: DML, DDL or UTILITY, as GetQueryExecution says it.
        substatement: what exactly, as GetQueryExecution says it.
        steps: what Trino is told, one after the other; the result is the last one's.
        new_table: a query whose columns become those of an Iceberg table.
        external_table: a CSV table to register; Trino is told nothing.
        optimize: the table whose files are rewritten, and the statement's condition, else an empty text.
        vacuum: the table whose old snapshots and unused files go.
    """

    kind: str
    substatement: str
    steps: list[str] = field(default_factory=list)
    new_table: str | None = None
    external_table: ExternalTable | None = None
    optimize: tuple[TableName, str] | None = None
    vacuum: TableName | None = None


def quoted(name: str) -> str:
    """An identifier in Trino's SQL; Glue keeps names in lower case."""
    return '"' + name.lower().replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in Trino's SQL."""
    return "'" + text.replace("'", "''") + "'"


def read_statement(sql: str, context: Context) -> Statement:
    """Read a statement.

    Raises:
        Refused: Athena does not take it, or this endpoint does not play it; the message says which.
    """
    try:
        tokens = [token for token in sqlglot.tokenize(sql, dialect="athena") if token.text]
    except TokenError as error:
        raise Refused("SYNTAX_ERROR", str(error)) from error
    if tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        sql = sql[: tokens.pop().start]
    if not tokens:
        raise Refused("SYNTAX_ERROR", "Query is empty")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens):
        raise Refused("SYNTAX_ERROR", "Only one sql statement is allowed")
    check_statement(tokens)
    words = [token.text.lower() for token in tokens]
    if words[0] in ("insert", "merge", "delete", "update"):
        return Statement("DML", words[0].upper(), [sql])
    if words[0] == "explain":
        return Statement("DML", "EXPLAIN", [sql])
    # To sqlglot the rest of these three is one opaque command.
    if words[0] == "optimize":
        return _optimize(sql[tokens[0].end + 1 :], context)
    if words[0] == "vacuum":
        return Statement("UTILITY", "VACUUM", vacuum=_table_of(sql[tokens[0].end + 1 :], context))
    if words[0] == "show":
        return _show(sql[tokens[0].end + 1 :], context)
    if words[0] in ("describe", "desc"):
        table = _table_of(_rest(sql, tokens, 1), context)
        return Statement("UTILITY", "DESCRIBE", [f"describe {table.sql}"])
    if words[0] == "create" and "view" in words[1:4]:
        return Statement("DDL", "CREATE_VIEW", [sql])
    if words[:2] == ["create", "table"] and (body := _body_of(sql, tokens)) is not None:
        return _create_table_as(*body, context)
    if words[0] in ("create", "drop", "alter"):
        return _ddl(sql, context)
    if words[0] in ("select", "with", "values", "("):
        return Statement("DML", "SELECT", [sql])
    raise NotPlayed(words[0])


def _rest(sql: str, tokens: Sequence[Token], first: int) -> str:
    return sql[tokens[first].start :] if first < len(tokens) else ""


def _table_of(text: str, context: Context) -> TableName:
    # OPTIMIZE, VACUUM, SHOW and DESCRIBE name tables as Hive does.
    return context.table(exp.to_table(text.replace("`", '"').strip(), dialect="trino"))


def _body_of(sql: str, tokens: Sequence[Token]) -> tuple[str, str] | None:
    """The two parts of CREATE TABLE … AS …, or None when it is none."""
    depth = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth == 0 and token.token_type == TokenType.ALIAS:
            return sql[: token.start], sql[token.end + 1 :]
    return None


def _create_table_as(head: str, query: str, context: Context) -> Statement:
    created = sqlglot.parse_one(f"{head} as select 1", dialect="athena")
    given = {}
    for item in created.args["properties"].expressions if created.args.get("properties") else ():
        given[_property_name(item)] = item
    table_type, is_external = given.pop("table_type", None), given.pop("is_external", None)
    if table_type is None or table_type.args["value"].name.lower() != "iceberg":
        raise NotPlayed("CREATE TABLE AS of a table that is not Iceberg")
    if is_external is None or is_external.args["value"].sql().lower() != "false":
        raise Refused("INVALID_TABLE_PROPERTY", "Iceberg tables must have is_external=false")
    if "location" not in given:
        raise Refused("INVALID_TABLE_PROPERTY", "Iceberg table location must be specified")
    properties, extra = ["format_version = 2"], []
    for name, item in given.items():
        value = item.this if name in ("location", "format") else item.args["value"]
        if name in _TABLE_PROPERTIES:
            properties.append(f"{_TABLE_PROPERTIES[name]} = {value.sql(dialect='trino')}")
        elif name in MAINTENANCE_PROPERTIES:
            check_property(name, value.name)
            extra.append((name, value.name))
        else:
            raise Refused("INVALID_TABLE_PROPERTY", f"Table property '{name}' is not supported for Iceberg")
    if extra:
        properties.append(_extra_properties(extra))
    created_if = " if not exists" if created.args.get("exists") else ""
    table = context.table(created.find(exp.Table))
    sql = f"create table{created_if} {table.sql} with ({', '.join(properties)}) as {query}"
    return Statement("DDL", "CREATE_TABLE_AS_SELECT", [sql], new_table=query)


def _property_name(item: exp.Expression) -> str:
    if isinstance(item, exp.LocationProperty):
        return "location"
    if isinstance(item, exp.FileFormatProperty):
        return "format"
    return item.name.lower()


def _extra_properties(pairs: Sequence[tuple[str, str]]) -> str:
    keys, values = (", ".join(literal(part) for part in parts) for parts in zip(*pairs, strict=True))
    return f"extra_properties = map(array[{keys}], array[{values}])"


def _ddl(sql: str, context: Context) -> Statement:
    try:
        parsed = sqlglot.parse_one(sql, dialect="athena")
    except ParseError as error:
        raise Refused("SYNTAX_ERROR", str(error)) from error
    if isinstance(parsed, exp.Create):
        return _create(parsed, context)
    if isinstance(parsed, exp.Drop):
        return _drop(parsed, context)
    if isinstance(parsed, exp.Alter) and parsed.args["kind"] == "TABLE":
        return _alter(parsed, context)
    raise Refused("SYNTAX_ERROR", f"no viable alternative at input '{sql[:80]}'")


def _create(created: exp.Create, context: Context) -> Statement:
    properties = created.args["properties"].expressions if created.args.get("properties") else []
    if created.kind in ("SCHEMA", "DATABASE"):
        exists = "if not exists " if created.args.get("exists") else ""
        name = f"{quoted(context.catalog)}.{quoted(created.this.db)}"
        return Statement("DDL", "CREATE_DATABASE", [f"create schema {exists}{name}"])
    if created.kind == "TABLE" and any(isinstance(item, exp.ExternalProperty) for item in properties):
        return Statement("DDL", "CREATE_TABLE", external_table=_external_table(created, properties, context))
    raise NotPlayed(f"CREATE {created.kind}")


def _external_table(
    created: exp.Create, properties: Sequence[exp.Expression], context: Context
) -> ExternalTable:
    serde = next((item for item in properties if isinstance(item, exp.RowFormatSerdeProperty)), None)
    location = next((item for item in properties if isinstance(item, exp.LocationProperty)), None)
    if location is None:
        raise Refused("SYNTAX_ERROR", "External tables must have a location")
    if serde is None or serde.name != CSV_SERDE:
        raise NotPlayed(f"an external table of another row format than {CSV_SERDE}")
    header = next((item for item in properties if item.name == "skip.header.line.count"), None)
    table = context.table(created.this.this)
    return ExternalTable(
        schema=table.schema,
        name=table.table,
        columns=tuple(column.name.lower() for column in created.this.expressions),
        location=location.this.name,
        skipped_lines=int(header.args["value"].name) if header is not None else 0,
    )


def _drop(dropped: exp.Drop, context: Context) -> Statement:
    exists = "if exists " if dropped.args.get("exists") else ""
    target = dropped.args["tables"][0] if dropped.args.get("tables") else dropped.this
    if dropped.kind in ("SCHEMA", "DATABASE"):
        cascade = " cascade" if dropped.args.get("cascade") else ""
        name = f"{quoted(context.catalog)}.{quoted(target.db or target.name)}"
        return Statement("DDL", "DROP_DATABASE", [f"drop schema {exists}{name}{cascade}"])
    kind = dropped.kind.lower()
    return Statement("DDL", f"DROP_{dropped.kind}", [f"drop {kind} {exists}{context.table(target).sql}"])


def _alter(altered: exp.Alter, context: Context) -> Statement:
    table = context.table(altered.this)
    steps = []
    for action in altered.args["actions"]:
        if isinstance(action, exp.Schema):
            for column in action.expressions:
                steps.append(
                    f"alter table {table.sql} add column {quoted(column.name)} {_column_type(column)}"
                )
        elif isinstance(action, exp.Drop) and action.args["kind"] == "COLUMN":
            columns = action.args.get("tables") or [action.this]
            steps += [f"alter table {table.sql} drop column {quoted(column.name)}" for column in columns]
        elif isinstance(action, exp.AlterColumn):
            steps += _change_column(table, action)
        elif isinstance(action, exp.AlterRename):
            to = action.this
            new_name = TableName(table.catalog, to.db or table.schema, to.name)
            steps.append(f"alter table {table.sql} rename to {new_name.sql}")
        elif isinstance(action, exp.AlterSet):
            steps.append(_set_properties(table, action))
        else:
            raise Refused("SYNTAX_ERROR", f"no viable alternative at input '{action.sql(dialect='hive')}'")
    return Statement("DDL", "ALTER_TABLE", steps)


def _change_column(table: TableName, action: exp.AlterColumn) -> list[str]:
    steps = []
    name = action.this.name
    new_name = action.args["rename_to"].name if action.args.get("rename_to") else name
    if new_name != name:
        steps.append(f"alter table {table.sql} rename column {quoted(name)} to {quoted(new_name)}")
    kind = _trino_type(new_name, action.args["dtype"])
    # Nothing but widening is allowed, the type that the column has already included.
    steps.append(f"alter table {table.sql} alter column {quoted(new_name)} set data type {kind}")
    return steps


def _column_type(column: exp.ColumnDef) -> str:
    return _trino_type(column.name, column.args["kind"])


def _trino_type(name: str, kind: exp.DataType) -> str:
    """A type of Hive's DDL as Trino's; its `timestamp` is the one of Iceberg, in microseconds."""
    kind = kind.copy()
    for part in kind.find_all(exp.DataType):
        if part.this == exp.DType.TIMESTAMP:
            if part.expressions:
                raise Refused("SYNTAX_ERROR", "mismatched input '(': Hive's timestamp has no precision")
            part.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(6))])
    check_column_type(name, kind)
    return kind.sql(dialect="trino")


def _set_properties(table: TableName, action: exp.AlterSet) -> str:
    pairs = []
    for properties in action.expressions:
        for item in properties.expressions:
            if item.name not in MAINTENANCE_PROPERTIES:
                raise Refused("INVALID_TABLE_PROPERTY", f"Unsupported table property key: {item.name}")
            check_property(item.name, item.args["value"].name)
            pairs.append((item.name, item.args["value"].name))
    if not pairs:
        raise Refused("SYNTAX_ERROR", f"no viable alternative at input '{action.sql(dialect='hive')}'")
    return f"alter table {table.sql} set properties {_extra_properties(pairs)}"


def _optimize(what: str, context: Context) -> Statement:
    """OPTIMIZE table REWRITE DATA USING BIN_PACK [WHERE …]."""
    tokens = sqlglot.tokenize(what, dialect="trino")
    words = [token.text.lower() for token in tokens]
    at = words.index("rewrite") if "rewrite" in words else len(words)
    if words[at : at + 4] != ["rewrite", "data", "using", "bin_pack"]:
        raise Refused("SYNTAX_ERROR", "Expecting: 'REWRITE DATA USING BIN_PACK'")
    table = _table_of(what[: tokens[at].start], context)
    return Statement("UTILITY", "OPTIMIZE", optimize=(table, _rest(what, tokens, at + 4)))


def _show(what: str, context: Context) -> Statement:
    """SHOW DATABASES, TABLES [IN schema], COLUMNS IN table, CREATE TABLE table."""
    what = what.replace("`", '"')
    tokens = sqlglot.tokenize(what, dialect="trino")
    words = [token.text.lower() for token in tokens]
    if words[0] in ("databases", "schemas"):
        steps = [f"show schemas from {quoted(context.catalog)}"]
    elif words[0] == "tables":
        schema = words[2] if len(words) > 2 else context.schema
        steps = [f"show tables from {quoted(context.catalog)}.{quoted(schema)}"]
    elif words[0] == "columns":
        steps = [f"show columns from {_table_of(_rest(what, tokens, 2), context).sql}"]
    elif words[:2] == ["create", "table"]:
        steps = [f"show create table {_table_of(_rest(what, tokens, 2), context).sql}"]
    else:
        raise NotPlayed(f"show {' '.join(words[:2])}")
    return Statement("UTILITY", f"SHOW_{words[0].upper()}", steps)
