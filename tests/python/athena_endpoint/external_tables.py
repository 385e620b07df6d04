"""CSV in S3 as a table: what dbt-athena makes of a seed before it becomes an Iceberg table.

Glue holds the table as Athena would register it. Trino here reads Iceberg only: a statement that names one is
given an Iceberg copy of its rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from sqlglot.tokens import Token, TokenType

CSV_SERDE = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
COPIES = "athena_endpoint_copies"


@dataclass(frozen=True)
class ExternalTable:
    """One CSV table; all its columns are text."""

    schema: str
    name: str
    columns: tuple[str, ...]
    location: str
    skipped_lines: int

    def glue_input(self) -> dict[str, Any]:
        """The TableInput with which Athena registers it."""
        return {
            "Name": self.name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "skip.header.line.count": str(self.skipped_lines)},
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": "string"} for column in self.columns],
                "Location": self.location,
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": CSV_SERDE},
            },
        }

    @classmethod
    def from_glue(cls, table: Mapping[str, Any]) -> ExternalTable | None:
        """The table that Glue holds, or None when it is not one of these."""
        storage = table.get("StorageDescriptor", {})
        if storage.get("SerdeInfo", {}).get("SerializationLibrary") != CSV_SERDE:
            return None
        return cls(
            schema=table["DatabaseName"],
            name=table["Name"],
            columns=tuple(column["Name"] for column in storage["Columns"]),
            location=storage["Location"],
            skipped_lines=int(table["Parameters"].get("skip.header.line.count", 0)),
        )


def replace_external_tables(
    sql: str, tokens: Sequence[Token], glue: Any, s3: Any, catalog: Mapping[str, str]
) -> str:
    """Put a copy that Trino can read in the place of each external table that a statement reads.

    Args:
        sql: the statement.
        tokens: its tokens.
        glue: boto3's client of Glue.
        s3: boto3's client of S3.
        catalog: pyiceberg's properties of the same Glue catalog.
    """
    for first, last, names in reversed(_places(tokens)):
        table = _find(glue, *names[-2:]) if len(names) > 1 else None
        if table is not None:
            copy = _copy(table, s3, catalog)
            sql = f"{sql[: tokens[first].start]}{copy}{sql[tokens[last].end + 1 :]}"
    return sql


def table_names(tokens: Sequence[Token]) -> list[list[str]]:
    """The tables that a statement reads, each as the parts of its name; a subquery's own names among them."""
    return [names for _, _, names in _places(tokens)]


def _places(tokens: Sequence[Token]) -> list[tuple[int, int, list[str]]]:
    """Dotted names after FROM, JOIN and USING: first token, last token, parts."""
    found = []
    for position, token in enumerate(tokens):
        if token.token_type not in (TokenType.FROM, TokenType.JOIN, TokenType.USING):
            continue
        first = position + 1
        while first < len(tokens) and tokens[first].token_type == TokenType.L_PAREN:
            first += 1
        last = first
        while last + 2 < len(tokens) and tokens[last + 1].token_type == TokenType.DOT:
            last += 2
        found.append((first, last, [part.text for part in tokens[first : last + 1 : 2]]))
    return found


def _find(glue: Any, schema: str, name: str) -> ExternalTable | None:
    try:
        return ExternalTable.from_glue(glue.get_table(DatabaseName=schema, Name=name)["Table"])
    except glue.exceptions.EntityNotFoundException:
        return None


def _copy(table: ExternalTable, s3: Any, properties: Mapping[str, str]) -> str:
    """Write the rows to an Iceberg table anew; returns its name for Trino."""
    columns: list[list[str]] = [[] for _ in table.columns]
    at = urlparse(table.location)
    prefix = at.path.strip("/") + "/"
    for stored in s3.list_objects_v2(Bucket=at.netloc, Prefix=prefix).get("Contents", []):
        body = s3.get_object(Bucket=at.netloc, Key=stored["Key"])["Body"].read().decode()
        for row in list(csv.reader(io.StringIO(body, newline="")))[table.skipped_lines :]:
            for cells, cell in zip(columns, row, strict=True):
                cells.append(cell)
    rows = pa.table(
        dict(zip(table.columns, (pa.array(cells, pa.string()) for cells in columns), strict=True))
    )
    catalog = load_catalog("copies", **properties)
    catalog.create_namespace_if_not_exists(COPIES)
    identifier = (COPIES, f"{table.schema}__{table.name}")
    if catalog.table_exists(identifier):
        catalog.drop_table(identifier)
    catalog.create_table(identifier, rows.schema).append(rows)
    return f'"{identifier[0]}"."{identifier[1]}"'
