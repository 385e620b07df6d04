"""Write into a Markdown file in which rows `make parity` and `make test-athena` found the engines equal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from comparison import EQUAL_ROWS
from markdown_table import write_table

ENGINES = {"trino": "Trino", "athena": "Athena"}


def main(path: Path) -> None:
    """One line per model: the rows that each engine has in common with DuckDB, which is all of them."""
    found = {
        engine: json.loads((EQUAL_ROWS / f"{engine}.json").read_text())
        for engine in ENGINES
        if (EQUAL_ROWS / f"{engine}.json").exists()
    }
    missing = [engine for engine in ENGINES if engine not in found]
    if missing:
        sys.exit(f"not compared yet: {', '.join(missing)}; run 'make parity test-athena'")
    rows = [
        [model, *(f"{found[engine][model]:,}" if model in found[engine] else "-" for engine in ENGINES)]
        for model in sorted({model for counts in found.values() for model in counts})
    ]
    columns = ["model", *(f"DuckDB = {name}, rows" for name in ENGINES.values())]
    write_table(path, "engine table", columns, rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
