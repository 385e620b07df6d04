"""Print, as Markdown, in which rows `make parity` and `make test-athena` found the engines equal.

With the README's path as argument, write it there between the marks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from comparison import EQUAL_ROWS

ENGINES = {"trino": "Trino", "athena": "Athena"}
MARKS = ("<!-- engine table -->", "<!-- /engine table -->")


def table() -> str:
    """One line per model: the rows that each engine has in common with DuckDB, which is all of them."""
    found = {
        engine: json.loads((EQUAL_ROWS / f"{engine}.json").read_text())
        for engine in ENGINES
        if (EQUAL_ROWS / f"{engine}.json").exists()
    }
    missing = [engine for engine in ENGINES if engine not in found]
    if missing:
        sys.exit(f"not compared yet: {', '.join(missing)}; run 'make parity test-athena'")
    lines = [
        "| model | " + " | ".join(f"DuckDB = {name}, rows" for name in ENGINES.values()) + " |",
        "|---|" + "---:|" * len(ENGINES),
    ]
    for model in sorted({model for counts in found.values() for model in counts}):
        cells = (f"{found[engine][model]:,}" if model in found[engine] else "-" for engine in ENGINES)
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    markdown = table()
    print(markdown)
    for path in map(Path, sys.argv[1:]):
        before, _, rest = path.read_text().partition(MARKS[0])
        _, _, after = rest.partition(MARKS[1])
        path.write_text(f"{before}{MARKS[0]}\n{markdown}\n{MARKS[1]}{after}")
