"""`make soak-exit`: does every `dbt run` end with its exit status, also on a busy machine?

Each run is a process of its own that opens the lakehouse, builds staging anew on two threads (calling the
function written in Python) and ends as `dbt` does. It is forked from a process that has imported dbt and
parsed the project, which is most of a short run's time. The second half runs beside processes that keep all
processors busy.
"""

from __future__ import annotations

import collections
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil
from figures import work_option
from kept_sample import kept_sample
from warehouse import Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner

SELECTION = ("--full-refresh", "--select", "+stg_web_events")
DONE = "Completed successfully"


@click.command()
@click.option("--runs", default=500, show_default=True)
@click.option(
    "--at-once", default=2, show_default=True, help="Runs at the same time, each in a schema of its own."
)
@work_option("soak", "the sample, the lakehouse and the output of runs that fail")
def main(runs: int, at_once: int, work: Path) -> None:
    """Run dbt many times; exit status 1 when one of the runs did not end with 0."""
    # Stopped by `kill`, too, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = work.resolve()
    sample = kept_sample(work / "sample", events=2_000, days=1)
    lakehouse = Warehouse(work / f"home-{os.getpid()}")
    busy: list[subprocess.Popen[bytes]] = []
    ended: collections.Counter[int] = collections.Counter()
    try:
        lakehouse.load("firehose", sample / "firehose")
        # A run that fails must still say so.
        failed = lakehouse.dbt("run-operation", "no_such_macro", check=False).returncode
        click.echo(f"a command that fails: {failed}")
        for slot in range(at_once):
            lakehouse.dbt("seed", DBT_SCHEMA=schema_of(slot))
        for share in range(2):
            busy += [
                subprocess.Popen([sys.executable, "-c", "while True: pass"])
                for _ in range(share * (psutil.cpu_count() or 2))
            ]
            count = runs // 2 if share else runs - runs // 2
            begin = time.perf_counter()
            found = run_forked(lakehouse, count, at_once, work)
            ended += found
            beside = "beside other load" if share else "alone"
            click.echo(f"{count} runs {beside}: {dict(found)} in {time.perf_counter() - begin:.0f} s")
    finally:
        for process in busy:
            process.kill()
            process.wait()
        lakehouse.close()
    raise SystemExit(not failed or set(ended) != {0})


def run_forked(lakehouse: Warehouse, count: int, at_once: int, work: Path) -> collections.Counter[int]:
    """Exit statuses of that many runs, each with how often; a signal is a negative number."""
    found: collections.Counter[int] = collections.Counter()
    forking = subprocess.Popen(
        [sys.executable, __file__, "fork", str(count), str(at_once), str(work)],
        cwd=PROJECT_ROOT,
        env=lakehouse.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert forking.stdout is not None
        for line in forking.stdout:
            found[int(line)] += 1
            if found.total() % 25 == 0:
                click.echo(f"{found.total()} of {count}: {dict(found)}")
    finally:
        forking.terminate()
        forking.wait()
    if found.total() != count:
        raise SystemExit(f"only {found.total()} of {count} runs have ended: {dict(found)}")
    return found


def fork_runs(count: int, at_once: int, work: Path) -> None:
    """Fork the runs and print the exit status of each."""
    import duckdb
    from dbt.cli.main import dbtRunner

    runners = []
    for slot in range(at_once):
        choose_schema(slot)
        runners.append(dbtRunner(manifest=dbtRunner().invoke(["--quiet", "parse"]).result))
    # A fork inherits no threads: none may be there.
    duckdb.default_connection().close()
    slots: dict[int, int] = {}
    for number in range(count + at_once):
        if number >= at_once:
            process, status = os.wait()
            slot = slots.pop(process)
            code = os.waitstatus_to_exitcode(status)
            output = work / f"run-{slot}.txt"
            if code == 0 and DONE not in output.read_text():
                code = 1
            if code:
                output.replace(work / f"failed-{os.getpid()}-{process}.txt")
            print(code, flush=True)
        if number < count:
            slot = min(set(range(at_once)) - set(slots.values()))
            process = os.fork()
            if process == 0:
                run_and_end(runners[slot], slot, work)
            slots[process] = slot


def schema_of(slot: int) -> str:
    return f"soak_{slot}"


def choose_schema(slot: int) -> None:
    os.environ["DBT_SCHEMA"] = schema_of(slot)


def run_and_end(runner: dbtRunner, slot: int, work: Path) -> None:
    """One run in the forked process, and the process's end with all that Python and DuckDB do then."""
    output = os.open(work / f"run-{slot}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    choose_schema(slot)
    paths = ["--target-path", str(work / f"target-{slot}"), "--log-path", str(work / f"logs-{slot}")]
    result = runner.invoke(["run", *SELECTION, *paths])
    sys.exit(not result.success)


if __name__ == "__main__":
    if sys.argv[1:2] == ["fork"]:
        fork_runs(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
