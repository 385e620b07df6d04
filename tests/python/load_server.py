"""Runs loads in processes that can be killed, without the second that each would need to start.

A program for the tests: reads one JSON document a line (see `Job`), forks a process for it, and writes how it
ended. It imports the loaders but does nothing with them itself, so that forking is safe.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TypedDict

from pyiceberg.catalog import load_catalog
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.catalog.rest import RestCatalog

from loaders import loading
from loaders.batch_files import BatchFiles
from loaders.ledger import Ledger
from loaders.loading import BatchSize
from loaders.objects import list_objects
from loaders.summary import Summary


class Job(TypedDict, total=False):
    """One or more loads of the same objects at the same time."""

    properties: dict[str, str]
    """Of the catalog."""
    namespace: str
    uri: str
    batch_bytes: int
    loaders: int
    kill_after: float
    """Seconds after which the first process is killed."""
    kill_at: str
    """A step, see STEPS, at which each process kills itself."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, call: int = 1) -> None:
    _patch(owner, name, call, before=_die)


def _after(owner: Any, name: str, call: int = 1) -> None:
    _patch(owner, name, call, after=_die)


def _patch(owner: Any, name: str, call: int, before: Any = None, after: Any = None) -> None:
    original = getattr(owner, name)
    calls = 0

    def patched(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if before and calls == call:
            before()
        result = original(*arguments, **options)
        if after and calls == call:
            after()
        return result

    setattr(owner, name, patched)


def _before_commit(call: int) -> None:
    for owner in (RestCatalog, GlueCatalog):
        _before(owner, "commit_table", call)


def _after_commit(call: int) -> None:
    for owner in (RestCatalog, GlueCatalog):
        _after(owner, "commit_table", call)


STEPS: dict[str, Callable[[], None]] = {
    "before anything is read": lambda: _before(loading, "reading"),
    "when an object was read": lambda: _after(BatchFiles, "end_object"),
    "before the data file is finished": lambda: _before(BatchFiles, "close"),
    "after the data file is finished": lambda: _after(BatchFiles, "close"),
    "before the data commit": lambda: _before_commit(1),
    "after the data commit": lambda: _after_commit(1),
    "before the ledger is written": lambda: _before(Ledger, "record"),
    "before the ledger commit": lambda: _before_commit(2),
    "after the ledger commit": lambda: _after_commit(2),
    "before the next batch is committed": lambda: _before_commit(3),
    "after the next batch is committed": lambda: _after_commit(3),
}


def _load(job: Job) -> None:
    if job.get("kill_at"):
        STEPS[job["kill_at"]]()
    loading.load(
        load_catalog("crash", **job["properties"]),
        list_objects(job["uri"]),
        Summary("web_events"),
        source="firehose",
        namespace=job["namespace"],
        batch_size=BatchSize(job["batch_bytes"]),
    )


def _fork(job: Job) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _load(job)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    """Serve until the input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        job: Job = json.loads(line)
        started = time.monotonic()
        children = [_fork(job) for _ in range(job.get("loaders", 1))]
        if "kill_after" in job:
            time.sleep(job["kill_after"])
            os.kill(children[0], signal.SIGKILL)
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        print(json.dumps({"statuses": statuses, "seconds": time.monotonic() - started}), flush=True)


if __name__ == "__main__":
    main()
