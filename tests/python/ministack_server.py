"""MiniStack, an emulator of Kinesis, Firehose and S3, in an environment of its own for its tight pins."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loaders.lakehouse.settings import PROJECT_ROOT

LOCK = PROJECT_ROOT / "requirements-ministack.lock"
ENVIRONMENT = PROJECT_ROOT / ".venv-ministack"


class NotAvailableError(Exception):
    """MiniStack can't be installed or started; the message says why."""


def install() -> Path:
    """Make the environment from its lock file, unless it is made; returns the program.

    Raises:
        NotAvailableError: the packages can't be installed.
    """
    program = ENVIRONMENT / "bin" / "ministack"
    marker = ENVIRONMENT / ".ready"
    if marker.exists() and marker.read_text() == LOCK.read_text():
        return program
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    python = str(ENVIRONMENT / "bin" / "python")
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT)],
        ["pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(LOCK)],
    ):
        done = subprocess.run([str(uv), *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotAvailableError(f"MiniStack can't be installed: {done.stderr.strip()[-300:]}")
    marker.write_text(LOCK.read_text())
    return program


@contextmanager
def ministack(home: Path) -> Iterator[str]:
    """A running MiniStack on loopback; yields its endpoint.

    Args:
        home: for its log and state.

    Raises:
        NotAvailableError: it can't be installed or does not start.
    """
    program = install()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,kinesis,firehose,iam,sts",
    }
    log = home / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program)], cwd=home, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait(endpoint, process, log)
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise NotAvailableError(f"MiniStack does not start: {log.read_text(errors='replace')[-300:]}")
