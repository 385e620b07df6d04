"""Who may take a port: processes that look for free ports at the same moment must not find the same ones."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from loaders.errors import LoaderError


@contextmanager
def reserved(ports: Iterable[int]) -> Iterator[None]:
    """Wait until no other process of this user starts a server on these ports, and let others wait.

    Args:
        ports: all that the server listens on; locked in order of number, so that nobody waits in a circle.

    Raises:
        LoaderError: the locks can't be kept in the directory for temporary files.
    """
    with ExitStack() as stack:
        for port in sorted(ports):
            fcntl.flock(stack.enter_context(lock_file(f"{port}.lock")), fcntl.LOCK_EX)
        yield


def lock_file(name: str) -> TextIO:
    """Open a file of this user for `flock`; the kernel frees the lock when the process ends, however it ends.

    Raises:
        LoaderError: it can't be opened, or its directory belongs to someone else.
    """
    # Of all users' lakehouses on this machine only those of the same user can know of one another.
    directory = Path(tempfile.gettempdir()) / f"web-events-lakehouse-{os.getuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if status.st_uid != os.getuid() or directory.is_symlink():
            raise PermissionError("it belongs to someone else")
        return (directory / name).open("w")
    except OSError as error:
        raise LoaderError(
            f"{directory} can't hold the locks of ports ({error}): remove it or set TMPDIR"
        ) from error


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections have just ended counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_owner(port: int) -> str:
    """Who listens on a port, as far as this user may know."""
    try:
        for connection in psutil.net_connections("inet"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return "another program"
