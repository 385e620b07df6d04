"""Trino's columns and values as the types and texts that Athena's GetQueryResults gives."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from sqlglot import exp

_NAMES = {"real": "float", "timestamptz": "timestamp with time zone", "text": "varchar", "int": "integer"}


def parse_type(text: str) -> exp.DataType:
    """Read a type as Trino writes it, such as `row(pitch double, yaw double)`."""
    return exp.DataType.build(text, dialect="trino")


def column_info(name: str, trino_type: str) -> dict[str, Any]:
    """A ColumnInfo: the broad type, with precision and scale."""
    bare = trino_type.partition("(")[0].strip()
    if trino_type.endswith("with time zone"):
        bare = f"{bare} with time zone"
    info: dict[str, Any] = {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": _NAMES.get(bare, bare),
        "Precision": 0,
        "Scale": 0,
        "Nullable": "UNKNOWN",
        "CaseSensitive": bare == "varchar",
    }
    if bare == "decimal":
        precision, scale = trino_type[len("decimal(") : -1].split(",")
        info |= {"Precision": int(precision), "Scale": int(scale)}
    return info


def text(value: Any, kind: exp.DataType) -> str | None:
    """The text of a value, None for null."""
    return None if value is None else _text(value, kind)


def _text(value: Any, kind: exp.DataType) -> str:
    if value is None:
        return "null"
    if kind.this == exp.DType.ARRAY:
        return f"[{', '.join(_text(item, kind.expressions[0]) for item in value)}]"
    if kind.this == exp.DType.STRUCT:
        cells = zip(kind.expressions, value, strict=True)
        return f"{{{', '.join(f'{field.name}={_text(item, field.kind)}' for field, item in cells)}}}"
    if kind.this == exp.DType.MAP:
        of_key, of_value = kind.expressions
        return f"{{{', '.join(f'{_text(k, of_key)}={_text(v, of_value)}' for k, v in value.items())}}}"
    if kind.this == exp.DType.VARBINARY:
        return base64.b64decode(value).hex(" ")
    if kind.this in (exp.DType.DOUBLE, exp.DType.FLOAT) and not isinstance(value, str):
        return _java_double(float(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _java_double(value: float) -> str:
    """As Java writes it: 1.0E7 from ten million on, 1.0E-4 below a thousandth."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{int(exponent) + len(text) - 1}"
