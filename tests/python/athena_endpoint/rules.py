"""What Trino takes and Athena refuses.

Sources: the Athena user guide on limitations of SQL, unsupported DDL, Iceberg tables and their types,
service quotas, and "too many arguments for function call". Trino finds the rest by itself: more than 100
partitions in one write, several source rows for one target row in MERGE, conflicting commits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

# "Functions cannot take more than 127 parameters"; the elements of array[...] are parameters too.
MAXIMUM_ARGUMENTS = 127

# Properties of Iceberg tables that are numbers, and the smallest ones that Athena takes.
SMALLEST_VALUES = {
    "optimize_rewrite_min_data_file_size_bytes": 1,
    "optimize_rewrite_max_data_file_size_bytes": 1,
    "optimize_rewrite_data_file_threshold": 1,
    "optimize_rewrite_delete_file_threshold": 1,
    "vacuum_min_snapshots_to_keep": 1,
    "vacuum_max_snapshot_age_seconds": 60,
    "vacuum_max_metadata_files_to_keep": 1,
    "write_target_data_file_size_bytes": 1,
}

# First words of the statements that Athena documents.
STATEMENTS = frozenset(
    {
        "alter",
        "create",
        "deallocate",
        "delete",
        "describe",
        "desc",
        "drop",
        "execute",
        "explain",
        "insert",
        "merge",
        "msck",
        "optimize",
        "prepare",
        "select",
        "show",
        "unload",
        "update",
        "vacuum",
        "values",
        "with",
    }
)

# What SHOW of Athena shows.
SHOWN = frozenset(
    {"columns", "create", "databases", "partitions", "schemas", "tables", "tblproperties", "views"}
)

# What DESCRIBE of Athena does not describe.
NOT_DESCRIBED = frozenset({"database", "input", "output", "schema"})

# Functions of Trino that are younger than the ones that Athena's engine version 3 documents.
YOUNGER_FUNCTIONS = frozenset(
    {
        "ai_analyze_sentiment",
        "ai_classify",
        "ai_extract",
        "ai_fix_grammar",
        "ai_gen",
        "ai_mask",
        "ai_translate",
        "array_first",
        "array_histogram",
        "array_last",
        "cosine_distance",
        "dot_product",
        "euclidean_distance",
        "json_table",
        "map_from_columns",
        "timezone",
        "to_utc",
    }
)

# Types of Trino that no column of an Iceberg table has in Athena.
_NOT_IN_ICEBERG = {
    exp.DType.TIME: "time",
    exp.DType.TIMETZ: "time with time zone",
    exp.DType.TIMESTAMPTZ: "timestamp with time zone",
    exp.DType.TIMESTAMPLTZ: "timestamp with time zone",
    exp.DType.UUID: "uuid",
    exp.DType.JSON: "json",
    exp.DType.TINYINT: "tinyint",
    exp.DType.SMALLINT: "smallint",
    exp.DType.CHAR: "char",
    exp.DType.INTERVAL: "interval",
    exp.DType.IPADDRESS: "ipaddress",
}


class Refused(Exception):
    """Athena refuses the statement.

    Args:
        name: the name that Athena puts before its messages.
        message: what it says.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class NotPlayed(Refused):
    """Athena takes the statement, this endpoint for tests does not."""

    def __init__(self, what: str) -> None:
        super().__init__("NOT_PLAYED", f"Athena takes it, this endpoint for tests does not: {what}")


def check_statement(tokens: Sequence[Token]) -> None:
    """Refuse what is outside Athena's list of statements, clauses and functions."""
    words = [token.text.lower() for token in tokens]
    first = next((word for word in words if word != "("), "")
    if first not in STATEMENTS:
        raise Refused("NOT_SUPPORTED", f"Queries of this type are not supported: {first.upper()}")
    if words[:4] == ["create", "or", "replace", "table"]:
        raise Refused("SYNTAX_ERROR", "mismatched input 'TABLE'. Expecting: 'VIEW'")
    if words[:2] == ["create", "table"] and "like" in words[3:5]:
        raise Refused("SYNTAX_ERROR", "mismatched input 'LIKE'")
    # To sqlglot what follows SHOW is one token.
    second = " ".join(words[1:]).partition(" ")[0]
    if (first == "show" and second not in SHOWN) or (first == "describe" and second in NOT_DESCRIBED):
        raise Refused(
            "NOT_SUPPORTED", f"Queries of this type are not supported: {' '.join(words[:2]).upper()}"
        )
    if words[:2] in (["with", "function"], ["with", "session"]):
        raise Refused("SYNTAX_ERROR", f"mismatched input '{words[1].upper()}'")
    for name, arguments in _calls(tokens):
        if name in YOUNGER_FUNCTIONS:
            raise Refused("FUNCTION_NOT_FOUND", f"Function '{name}' not registered")
        if arguments > MAXIMUM_ARGUMENTS:
            raise Refused("TOO_MANY_ARGUMENTS", f"Too many arguments for function call {name}()")


def check_property(name: str, value: str) -> None:
    """Refuse a value that a property of OPTIMIZE or VACUUM can't have."""
    least = SMALLEST_VALUES.get(name)
    if least is None:
        return
    if not value.isdecimal() or int(value) < least:
        raise Refused("INVALID_TABLE_PROPERTY", f"Table property {name} must be at least {least}: {value}")


def check_column_type(name: str, kind: exp.DataType) -> None:
    """Refuse a column type that an Iceberg table can't have in Athena; `kind` is read as Trino writes it."""
    for part in kind.find_all(exp.DataType):
        if part.this in _NOT_IN_ICEBERG:
            raise Refused(
                "NOT_SUPPORTED",
                f"Type not supported for Iceberg: {_NOT_IN_ICEBERG[part.this]} (column {name})",
            )
        if part.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ):
            precision = part.expressions[0].name if part.expressions else "3"
            if precision != "6":
                raise Refused(
                    "NOT_SUPPORTED",
                    f'Timestamp precision ({precision}) not supported for Iceberg. Use "timestamp(6)". '
                    f"(column {name})",
                )


def _calls(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """Every call `name(…)` and `array[…]`: its name and the number of its arguments."""
    opened: list[tuple[str, int, bool]] = []
    for position, token in enumerate(tokens):
        if token.token_type in (TokenType.L_PAREN, TokenType.L_BRACKET):
            opened.append((_called(tokens, position), 0, False))
        elif token.token_type in (TokenType.R_PAREN, TokenType.R_BRACKET) and opened:
            name, commas, any_argument = opened.pop()
            if name:
                yield name, commas + 1 if any_argument else 0
            _mark(opened)
        elif token.token_type == TokenType.COMMA and opened:
            name, commas, any_argument = opened[-1]
            opened[-1] = name, commas + 1, any_argument
        else:
            _mark(opened)


def _called(tokens: Sequence[Token], position: int) -> str:
    """The name of the function whose arguments begin at a bracket; empty when it is no call."""
    if position == 0:
        return ""
    name = tokens[position - 1]
    before = tokens[position - 2].token_type if position > 1 else None
    if before in (TokenType.DOT, TokenType.INTO):
        return ""
    if name.token_type == TokenType.VAR or name.text.lower() in ("array", "map"):
        return name.text.lower()
    return ""


def _mark(opened: list[tuple[str, int, bool]]) -> None:
    if opened:
        name, commas, _ = opened[-1]
        opened[-1] = name, commas, True
