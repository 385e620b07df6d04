"""`make new-model NAME=… BY=…`: lay out a model as the conventions want it.

A SELECT with its import CTE and its declaration, and in the folder's YAML its grain, its columns and a test
of the key. What it counts is a beginning: say in both files what the model is for.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT_ROOT = Path(__file__).resolve().parents[1]
EVERYTHING = "everything"
DEFAULT_FOLDERS = {"int_": "intermediate/web", "": "marts/core"}

SQL = """{{{{ config({config}) }}}}

with

records as (

    select * from {{{{ ref('{reads}') }}}}
{where}
),

final as (

    select
        {key},
        count(*) as record_count
    from records
    group by {key}

)

select * from final
"""

YAML = """
  - name: {name}
    description: >
      One row per {key}: how many rows {reads} has of it.
    columns:
      - name: {key}
        description: {description}{key_type}
        data_tests:
          - not_null
          - unique
      - name: record_count
        description: How many rows of {reads}. Never null.{count_type}
"""


class Refused(Exception):
    """What was asked for can't be laid out; the message says what to do."""


@dataclass(frozen=True)
class Request:
    """What was asked for, checked: nothing of it is in the project yet, and all that it needs is."""

    name: str
    by: str
    folder: Path
    reads: str
    key: str
    column: Mapping[str, Any]

    @property
    def is_mart(self) -> bool:
        return self.folder.parts[0] == "marts"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the two files and say what comes next; returns 1 when it was refused."""
    parser = argparse.ArgumentParser(prog="make new-model", description=__doc__)
    parser.add_argument("name", help="NAME: int_… for a step of marts, else a mart")
    parser.add_argument("--by", required=True, help=f"BY: the column that rebuilds it, or '{EVERYTHING}'")
    parser.add_argument("--reads", default="fct_web_events", help="FROM: the model that it reads")
    parser.add_argument(
        "--folder", help="FOLDER below models; default marts/core, or intermediate/web for int_…"
    )
    options = parser.parse_args(arguments)
    try:
        request = checked(PROJECT_ROOT, options.name, options.by, options.reads, options.folder)
    except Refused as refusal:
        print(f"new-model: {refusal}", file=sys.stderr)
        return 1
    for path in write(PROJECT_ROOT, request):
        print(path.relative_to(PROJECT_ROOT))
    print(f"Say in both what it is for, then: make check, make check-incremental MODEL={request.name}")
    return 0


def checked(project: Path, name: str, by: str, reads: str, folder: str | None) -> Request:
    """What is asked for, if it can be laid out.

    Args:
        project: the dbt project's directory.
        name: the model's name.
        by: a column of the model that is read, or `everything`.
        reads: the model that is read.
        folder: below `models`, or None for the layer's default.

    Raises:
        Refused: with what to do instead.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise Refused(f"NAME is '{name}': name it in lower case, with letters, digits and underscores")
    if name.startswith("stg_"):
        raise Refused(
            f"NAME is '{name}': staging reads raw records, so write it by the example of models/staging"
        )
    default = next(place for prefix, place in DEFAULT_FOLDERS.items() if name.startswith(prefix))
    place = Path((folder or default).removeprefix("models/").strip("/"))
    layer = default.split("/")[0]
    if place.parts[:1] != (layer,):
        raise Refused(f"FOLDER is '{place}', and '{name}' belongs in {layer}: steps of marts are named int_…")
    places = sorted(path.parent for path in (project / "models" / layer).glob("*/_*__models.yml"))
    if project / "models" / place not in places:
        known = ", ".join(f"{layer}/{path.name}" for path in places)
        raise Refused(f"FOLDER is '{place}', which has no models: take one of {known}")
    if existing := [
        *(project / "models").rglob(f"{name}.sql"),
        *(project / "seeds").glob(f"{name}.csv"),
        *(project / "snapshots").glob(f"{name}.yml"),
    ]:
        raise Refused(f"'{name}' is there: {existing[0].relative_to(project)}. Take another name")
    columns = columns_of(project, reads)
    if by == EVERYTHING:
        key = next((column for column in columns if column.endswith("_date")), next(iter(columns)))
    elif by in columns:
        key = by
    else:
        raise Refused(
            f"BY is '{by}', and {reads} has no such column: name one of its columns, "
            "or another model with FROM=…"
        )
    return Request(name, by, place, reads, key, columns[key])


def columns_of(project: Path, model: str) -> dict[str, Mapping[str, Any]]:
    """The columns of a model by name, as its YAML describes them.

    Raises:
        Refused: there is no such model.
    """
    for path in (project / "models").rglob("_*__models.yml"):
        for entry in yaml.safe_load(path.read_text())["models"]:
            if entry["name"] == model:
                return {column["name"]: column for column in entry["columns"]}
    raise Refused(f"FROM is '{model}', which no file models/**/_*__models.yml describes")


def write(project: Path, request: Request) -> list[Path]:
    """Write the model and its description; returns the files."""
    folder = project / "models" / request.folder
    sql, description = folder / f"{request.name}.sql", folder / f"_{request.folder.name}__models.yml"
    sql.write_text(sql_of(request))
    description.write_text(description.read_text().rstrip("\n") + "\n" + yaml_of(request))
    return [sql, description]


def sql_of(request: Request) -> str:
    """The model's SELECT and declaration."""
    settings = [f"meta={{'rebuild_by': '{request.by}'}}"]
    if request.by == EVERYTHING:
        settings.insert(0, f"unique_key='{request.key}'")
    elif request.key.endswith("_date"):
        settings.insert(0, f"partitioned_by=['month({request.key})']")
    # A day is always known; an id need not be.
    where = "" if request.key.endswith("_date") else f"    where {request.key} is not null\n"
    return SQL.format(config=", ".join(settings), reads=request.reads, key=request.key, where=where)


def yaml_of(request: Request) -> str:
    """The model's entry in its folder's YAML; a mart's columns have the types of its contract."""
    type_line = "\n        data_type: {}" if request.is_mart else ""
    return YAML.format(
        name=request.name,
        key=request.key,
        reads=request.reads,
        description=_quoted(request.column["description"].strip()),
        key_type=type_line.format(request.column.get("data_type", "varchar")),
        count_type=type_line.format("bigint"),
    )


def _quoted(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    if re.fullmatch(r"[A-Za-z][^:#{}\"]*", text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    sys.exit(main())
