"""Run a command and measure it: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """What one command took."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def measured(arguments: list[str], environment: dict[str, str], directory: Path) -> Measured:
    """Run a program of the virtual environment.

    Args:
        arguments: the program's name and its arguments.
        environment: the whole environment of the program.
        directory: where it runs.

    Returns:
        Wall and processor seconds, and the peak of the resident memory of the program (its largest process).

    Raises:
        SystemExit: it failed; its output is shown.
    """
    program = str(Path(sys.executable).parent / arguments[0])
    begin = time.perf_counter()
    process = subprocess.Popen(
        [program, *arguments[1:]],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{output[-8000:]}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def peak_of(pid: int) -> int:
    """Peak resident bytes of a running process (Linux; 0 where that is not told)."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
