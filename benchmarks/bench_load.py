"""How fast the loaders are, against what reads the same files: `make bench-load`.

All contenders run one after the other on the same files, each in a process of its own, as often as asked; the
best time of each counts. The ratios mean something where all were measured in one run; the numbers by
themselves depend on the machine. With `--memory`: the loaders' peak memory as the input grows.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import load_data
from figures import show, write_option
from load_contenders import CONTENDERS
from rich.console import Console
from rich.table import Table

from loaders.lakehouse import store
from loaders.lakehouse.settings import PROJECT_ROOT, Settings

HERE = Path(__file__).parent
SPARK_PYTHON = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
LAKEHOUSE_PORT = 22700

Run = tuple[str, str, str, float | None]
COLUMNS = ("contender", "records/s", "loaders ÷ it", "target", "records per CPU s", "peak MB")
MEANINGS = """\
records/s         wall time after start-up; the loaders' includes listing, hashing of local files,
                  checking each record, the commit to Iceberg and the ledger
loaders ÷ it      how many times as fast the loaders are as this contender, in this run
DuckDB            writes without a catalog and gives up at a bad line: the practical limit
orjson loop       checks and commits, but does not know what is loaded and dies at a bad line
PySpark           copies lines, unless it says that they are checked; AWS Glue 5 runs it
records per CPU s counts all cores: says more where the machine does other work, too"""

# Contender, input, what it is, and the target: the loaders' rate over its rate.
RUNS: tuple[Run, ...] = (
    ("loaders", "lines", "loaders, JSON Lines to Iceberg", None),
    ("duckdb_lines", "lines", "DuckDB read_ndjson_objects to Parquet (zstd)", 0.6),
    ("duckdb_lines_snappy", "lines", "the same, snappy (DuckDB's default)", None),
    ("orjson_pyiceberg", "lines", "orjson loop, pyiceberg append", 2.5),
    ("spark", "lines", "PySpark local[2], text to Parquet (zstd)", 5.0),
    ("spark_with_start", "lines", "the same as a job, start of the engine included", None),
    ("spark_checked", "lines", "PySpark, checked and with the object's name", None),
    ("loaders", "joined", "loaders, no delimiter, to Iceberg", None),
    ("duckdb_joined", "joined", "DuckDB, no delimiter, to Parquet (zstd)", 0.4),
)


@click.command()
@click.option("--records", type=click.IntRange(min=1000), default=1_000_000, show_default=True)
@click.option("--repeat", type=click.IntRange(min=1), default=3, show_default=True, help="The best counts.")
@click.option(
    "--memory",
    type=click.IntRange(min=1),
    multiple=True,
    help="Measure peak memory for so many GB of JSON instead (repeatable), as archive and as one object.",
)
@write_option
@click.option("--work", type=click.Path(path_type=Path), default=HERE / ".work", show_default=True)
def main(records: int, repeat: int, memory: tuple[int, ...], write: Path | None, work: Path) -> None:
    """Benchmark of the loaders."""
    console = Console(width=120)
    work.mkdir(parents=True, exist_ok=True)
    data = work / f"records-{records}"
    load_data.make(data, records)
    settings = Settings(home=work / "lakehouse", port=LAKEHOUSE_PORT)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYICEBERG_")},
        "LAKEHOUSE_HOME": str(settings.home),
        "LAKEHOUSE_PORT": str(settings.port),
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    store.ensure_running(settings)
    try:
        if memory:
            _memory(console, data, work, memory, environment)
        else:
            _speed(console, data, work, repeat, environment, write)
    finally:
        store.stop(settings)
        shutil.rmtree(settings.home, ignore_errors=True)


def _speed(
    console: Console, data: Path, work: Path, repeat: int, environment: dict[str, str], write: Path | None
) -> None:
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for _ in range(repeat):
        for name, layout, _, _ in RUNS:
            if name.startswith("spark") and not SPARK_PYTHON.exists():
                continue
            result = _run(name, data / layout, work, environment)
            known = best.get((name, layout))
            if known is None or result["seconds"] < known["seconds"]:
                best[name, layout] = result
    rows = [row for run in RUNS if (row := _row(console, run, best))]
    what = (
        f"{best['loaders', 'lines']['rows']:,.0f} records of about 360 bytes in {load_data.OBJECTS} gzip "
        f"objects, {os.cpu_count()} cores, the best of {repeat} runs"
    )
    show(COLUMNS, rows, f"{what}.", "load table", write)
    console.print(MEANINGS)


def _row(console: Console, run: Run, best: dict[tuple[str, str], dict[str, Any]]) -> list[str] | None:
    name, layout, what, target = run
    if (name, layout) not in best:
        console.print(f"not measured: {what} (its environment is not installed)")
        return None
    own, one = best["loaders", layout], best[name, layout]
    if one["rows"] != own["rows"]:
        console.print(f"[red]{what} read {one['rows']:,.0f} records, the loaders {own['rows']:,.0f}")
    ratio = one["seconds"] / own["seconds"]
    cpu = one.get("cpu_seconds")
    return [
        what,
        f"{one['rows'] / one['seconds']:,.0f}",
        "" if name == "loaders" else f"{ratio:.2f}",
        _verdict(ratio, target),
        f"{one['rows'] / cpu:,.0f}" if cpu else "",
        "" if name.startswith("spark") else f"{one['peak_mb']:,}",
    ]


def _verdict(ratio: float, target: float | None) -> str:
    if target is None:
        return ""
    return f"≥ {target}: {'met' if ratio >= target else 'missed'}"


def _memory(
    console: Console, data: Path, work: Path, sizes: tuple[int, ...], environment: dict[str, str]
) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(("input", "JSON", "records", "records/s", "peak MB")):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    parts = sorted((data / "lines").iterdir())
    json_bytes = sum(int.from_bytes(part.read_bytes()[-4:], "little") for part in parts)
    for size in sizes:
        copies = max(1, round(size * 1e9 / json_bytes))
        for what in ("archive", "one object"):
            source = work / "memory"
            shutil.rmtree(source, ignore_errors=True)
            source.mkdir()
            if what == "archive":
                for copy in range(copies):
                    for part in parts:
                        os.link(part, source / f"{copy:04}-{part.name}")
            else:
                with (source / "large.json.gz").open("wb") as large:
                    for _ in range(copies):
                        for part in parts:
                            large.write(part.read_bytes())
            result = _run("loaders", source, work, environment)
            shutil.rmtree(source)
            table.add_row(
                what,
                f"{copies * json_bytes / 1e9:.1f} GB",
                f"{result['rows']:,.0f}",
                f"{result['rows'] / result['seconds']:,.0f}",
                f"{result['peak_mb']:,}",
            )
    console.print(table)
    console.print("\npeak MB is the loader's largest resident memory, Python and its libraries included")


def _run(name: str, source: Path, work: Path, environment: dict[str, str]) -> dict[str, Any]:
    assert name in CONTENDERS
    python = str(SPARK_PYTHON) if name.startswith("spark") else sys.executable
    done = subprocess.run(
        [python, str(HERE / "load_contenders.py"), name, str(source), str(work)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise click.ClickException(f"{name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
