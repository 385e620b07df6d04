"""A picture of the star schema: facts, dimensions, and the columns that join them, by dbterd and Graphviz."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dbterd.cli.main import DbterdRunner

Json = dict[str, Any]

_INTRODUCTION = """\
<h1>The star schema</h1>
<p>Facts, dimensions, their keys [PK] and the columns that join them. A table leads to its page, which has all
columns. A join may find nothing: events name products that no catalog has.</p>
"""
# How tables of the star schema begin.
PREFIXES = ("fct_", "dim_")
# A fact's date joins dim_dates, whose key has another name.
KEY_OF_DATES, FACT_DATES = "date_day", ("event_date", "session_date", "transaction_date", "review_date")


def body(manifest: Json, catalog: Json) -> str:
    """The picture, as SVG; its tables lead to their pages."""
    tables = _tables(manifest, catalog)
    pages = [f'"{node["name"]}" [URL="index.html#!/model/{key}"]' for key, node in tables.items()]
    # Graphviz adds up what is said of a table.
    dot = "\n".join([_drawn(manifest, catalog, tables).rstrip().removesuffix("}"), *pages, "}"])
    svg = _laid_out(dot)
    return _INTRODUCTION + svg[svg.index("<svg") :]


def _laid_out(dot: str) -> str:
    """Graphviz's SVG of a graph.

    Raises:
        subprocess.CalledProcessError: it can't draw it.
    """
    program = Path(sys.executable).parent / "graphviz-pure"
    return subprocess.run([program, "-Tsvg"], input=dot, capture_output=True, text=True, check=True).stdout


def _tables(manifest: Json, catalog: Json) -> dict[str, Json]:
    """Facts and dimensions with no columns but keys, which have the constraints that dbterd draws."""
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["name"].startswith(PREFIXES)
    }
    keys = {key: _key(manifest, key) for key in nodes}
    owners = {key[0]: owner for owner, key in keys.items() if len(key) == 1}
    tables = {}
    for name, node in nodes.items():
        columns = {}
        for column in catalog["nodes"][name]["columns"]:
            wanted = KEY_OF_DATES if column in FACT_DATES and node["name"].startswith("fct_") else column
            constraints = [{"type": "primary_key"}] if column in keys[name] else []
            if owners.get(wanted, name) != name:
                to = manifest["nodes"][owners[wanted]]["relation_name"]
                constraints.append({"type": "foreign_key", "to": to, "to_columns": [wanted]})
            if constraints:
                columns[column] = {"name": column, "constraints": constraints}
        tables[name] = {**node, "columns": columns, "constraints": []}
    return tables


def _key(manifest: Json, table: str) -> list[str]:
    """The columns by which a test says that a table's rows differ."""
    for test in manifest["nodes"].values():
        if test["resource_type"] == "test" and test["attached_node"] == table:
            arguments = test["test_metadata"]["kwargs"]
            if test["test_metadata"]["name"] == "unique":
                return [test["column_name"]]
            if test["test_metadata"]["name"] == "unique_combination_of_columns":
                return list(arguments["combination_of_columns"])
    return []


def _drawn(manifest: Json, catalog: Json, tables: Json) -> str:
    """What dbterd makes of the tables, in Graphviz's language."""
    entries = {
        key: {
            **catalog["nodes"][key],
            "columns": {name: catalog["nodes"][key]["columns"][name] for name in node["columns"]},
        }
        for key, node in tables.items()
    }
    others = ("sources", "exposures", "metrics", "semantic_models", "saved_queries", "groups")
    logging.getLogger("dbterd").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "manifest.json").write_text(
            json.dumps({**manifest, **{key: {} for key in others}, "nodes": tables})
        )
        (at / "catalog.json").write_text(json.dumps({**catalog, "sources": {}, "nodes": entries}))
        what = ["--target", "graphviz", "--algo", "model_contract", "--entity-name-format", "model"]
        DbterdRunner().invoke(["run", "--artifacts-dir", folder, "--output", folder, *what])
        return (at / "output.graphviz").read_text()
