"""Start, find and stop a Trino server whose catalog `lake` is the local lakehouse.

The server is one Java process on loopback, with its configuration, log and state in `$LAKEHOUSE_HOME/trino`.
It asks nobody for a password: whoever can reach the loopback interface of this machine can query it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from loaders.errors import LoaderError
from loaders.lakehouse.settings import WAREHOUSE, Settings
from loaders.lakehouse.store import (
    STOP_TIMEOUT_SECONDS,
    Store,
    _is_alive,
    _last_line,
    _port_owner,
    _start_lock,
    ensure_running,
)
from loaders.lakehouse.trino_server import default_cache, ensure_server, find_java

CATALOG = "lake"
DEFAULT_PORT = 18400
DEFAULT_MEMORY = "3G"
START_TIMEOUT_SECONDS = 120.0
QUERY_TIMEOUT_SECONDS = 60.0

Catalogs = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class TrinoSettings:
    """Where the Trino server of one local lakehouse lives, its port and its memory."""

    lakehouse: Settings
    port: int
    memory_megabytes: int

    @classmethod
    def from_environment(cls) -> TrinoSettings:
        """Read TRINO_PORT (default 18400) and TRINO_MEMORY (default 3G), beside the lakehouse's own variables.

        Raises:
            LoaderError: one of them can't be used.
        """
        port = os.environ.get("TRINO_PORT") or str(DEFAULT_PORT)
        if not port.isdecimal() or not 1024 <= int(port) <= 65535:
            raise LoaderError(f"TRINO_PORT is {port!r}: set it to a number from 1024 to 65535")
        memory = os.environ.get("TRINO_MEMORY") or DEFAULT_MEMORY
        match = re.fullmatch(r"(\d{1,6})([MG])", memory.upper())
        megabytes = int(match[1]) * (1024 if match[2] == "G" else 1) if match else 0
        if megabytes < 1024:
            raise LoaderError(f"TRINO_MEMORY is {memory!r}: set it to at least 1G, as in 2G or 1536M")
        return cls(lakehouse=Settings.from_environment(), port=int(port), memory_megabytes=megabytes)

    @property
    def home(self) -> Path:
        return self.lakehouse.home / "trino"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Trino:
    """A running Trino server and how to reach it."""

    settings: TrinoSettings
    pid: int

    @property
    def url(self) -> str:
        return self.settings.url

    def query(self, sql: str, timeout: float = QUERY_TIMEOUT_SECONDS) -> list[list[object]]:
        """Run one statement and return its rows as JSON gives them (a timestamp is text).

        For readiness, maintenance and tests; models reach Trino through dbt-trino.

        Raises:
            LoaderError: the server can't be reached, or the statement fails or takes longer than `timeout` seconds.
        """
        return _run_statement(self.url, sql, timeout)


def start(settings: TrinoSettings | None = None, catalogs: Catalogs | None = None) -> Trino:
    """Return the Trino server of this lakehouse, starting it (and the lakehouse) when it is not up.

    Args:
        settings: home, port and memory; by default from the environment.
        catalogs: further catalogs by name, each with its properties, beside `lake`.

    Raises:
        LoaderError: the port is taken, the server can't be fetched or does not start, or it already runs with
            another configuration.
    """
    settings = settings or TrinoSettings.from_environment()
    store = ensure_running(settings.lakehouse)
    all_catalogs = {CATALOG: lake_catalog(store), **(catalogs or {})}
    try:
        with _start_lock(settings.home):
            running = find_running(settings)
            if running is None:
                return _start(settings, all_catalogs)
            if _fingerprint(settings, all_catalogs) != _read_state(settings.home)["fingerprint"]:
                raise LoaderError(
                    f"the Trino server in {settings.home} already runs with other catalogs or other memory: stop it first"
                )
            return running
    except OSError as error:
        raise LoaderError(f"the Trino server in {settings.home} can't be used: {error}") from error


def find_running(settings: TrinoSettings) -> Trino | None:
    """Return the running server of this home, or None.

    Raises:
        LoaderError: it runs, but on another port than the settings say.
    """
    state = _read_state(settings.home)
    if not state or not _is_alive(state):
        return None
    if state["port"] != settings.port:
        raise LoaderError(
            f"the Trino server in {settings.home} already runs on port {state['port']}, not {settings.port}: "
            f"unset TRINO_PORT or stop it first"
        )
    return Trino(settings, state["pid"])


def stop(settings: TrinoSettings) -> bool:
    """Stop the server of this home; returns whether one was running. The lakehouse stays up."""
    if not settings.home.exists():
        return False
    with _start_lock(settings.home):
        state = _read_state(settings.home)
        if not state or not _is_alive(state):
            return False
        process = psutil.Process(state["pid"])
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_SECONDS)
        _state_path(settings.home).unlink(missing_ok=True)
        return True


def lake_catalog(store: Store) -> dict[str, str]:
    """Properties of the Iceberg catalog `lake`, over the REST catalog and the S3 of the local lakehouse."""
    uri = store.settings.iceberg_uri
    return {
        "connector.name": "iceberg",
        "iceberg.catalog.type": "rest",
        "iceberg.rest-catalog.uri": uri,
        "iceberg.rest-catalog.warehouse": WAREHOUSE,
        "iceberg.rest-catalog.security": "OAUTH2",
        "iceberg.rest-catalog.oauth2.server-uri": f"{uri}/v1/oauth/tokens",
        "iceberg.rest-catalog.oauth2.credential": f"{store.access_key}:{store.secret_key}",
        "iceberg.unique-table-location": "true",
        **s3_properties(store),
    }


def s3_properties(store: Store) -> dict[str, str]:
    """Catalog properties that make Trino read and write the S3 of the local lakehouse."""
    return {
        "fs.native-s3.enabled": "true",
        "s3.endpoint": store.s3_endpoint,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": store.access_key,
        "s3.aws-secret-key": store.secret_key,
    }


def _start(settings: TrinoSettings, catalogs: Catalogs) -> Trino:
    server = ensure_server(default_cache())
    java = find_java()
    _check_port(settings.port)
    _write_configuration(settings, server, catalogs)
    log_path = settings.home / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - arguments are ours
            [str(java), *_java_options(settings, server), "io.trino.server.TrinoServer"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=settings.home,
        )
    state = {
        "pid": process.pid,
        "created": psutil.Process(process.pid).create_time(),
        "port": settings.port,
        "fingerprint": _fingerprint(settings, catalogs),
    }
    _state_path(settings.home).write_text(json.dumps(state))
    try:
        _wait_until_ready(settings, process, log_path)
    except BaseException:
        process.kill()
        process.wait()
        _state_path(settings.home).unlink(missing_ok=True)
        raise
    return Trino(settings, process.pid)


def _java_options(settings: TrinoSettings, server: Path) -> list[str]:
    extra = os.environ.get("X_JVM", "").split()
    etc = settings.home / "etc"
    return [
        "-server",
        f"-Xmx{settings.memory_megabytes}m",
        "-XX:+UseG1GC",
        "-XX:G1HeapRegionSize=32M",
        "-XX:+ExplicitGCInvokesConcurrent",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-OmitStackTraceInFastThrow",
        "-XX:ReservedCodeCacheSize=512M",
        "-XX:PerMethodRecompilationCutoff=10000",
        "-XX:PerBytecodeRecompilationCutoff=10000",
        "-XX:+EnableDynamicAgentLoading",
        "-Djdk.attach.allowAttachSelf=true",
        "-Djdk.nio.maxCachedBufferSize=2000000",
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=UTC",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        *extra,
        "-cp",
        f"{server / 'lib'}/*",
        f"-Dnode.data-dir={settings.home / 'data'}",
        f"-Dlog.levels-file={etc / 'log.properties'}",
        f"-Dconfig={etc / 'config.properties'}",
    ]


def _write_configuration(settings: TrinoSettings, server: Path, catalogs: Catalogs) -> None:
    etc = settings.home / "etc"
    shutil.rmtree(etc, ignore_errors=True)
    (etc / "catalog").mkdir(parents=True)
    (settings.home / "data").mkdir(exist_ok=True)
    megabytes = settings.memory_megabytes
    _write_properties(
        etc / "config.properties",
        {
            "node.environment": "local",
            "node.id": "local",
            "node.bind-ip": "127.0.0.1",
            "node.internal-address": "127.0.0.1",
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "http-server.http.port": str(settings.port),
            "discovery.uri": settings.url,
            "plugin.dir": str(server / "plugin"),
            "catalog.config-dir": str(etc / "catalog"),
            "query.max-memory-per-node": f"{megabytes * 6 // 10}MB",
            "query.max-memory": f"{megabytes * 6 // 10}MB",
            "memory.heap-headroom-per-node": f"{megabytes * 2 // 10}MB",
            "sql.forced-session-time-zone": "UTC",
            "web-ui.enabled": "false",
            "http-server.log.enabled": "false",
            **dict(x.split("=", 1) for x in os.environ.get("X_CONF", "").split()),
        },
    )
    _write_properties(etc / "log.properties", {"io.trino": "WARN", "io.airlift": "WARN"} if not os.environ.get("X_LOG") else {})
    for name, properties in catalogs.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise LoaderError(f"{name!r} is no name for a Trino catalog: use lower-case letters, digits and '_'")
        _write_properties(etc / "catalog" / f"{name}.properties", properties)


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write a Java properties file that only its owner can read: catalogs hold keys."""
    lines = [f"{key}={value}".replace("\\", "\\\\").replace("\n", "\\n") for key, value in properties.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="latin-1") as file:
        file.write("\n".join(lines) + "\n")


def _check_port(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LoaderError(
                f"port {port} of the Trino server is taken by {_port_owner(port)}: set TRINO_PORT to a free port"
            ) from error


def _wait_until_ready(settings: TrinoSettings, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LoaderError(
                f"the Trino server did not start (exit status {process.returncode}): "
                f"{_last_line(log_path)}; see {log_path}"
            )
        try:
            with urllib.request.urlopen(f"{settings.url}/v1/info", timeout=5) as response:  # noqa: S310 - loopback
                if not json.load(response)["starting"]:
                    _run_statement(settings.url, "select 1", 20)
                    return
        except (OSError, LoaderError):
            pass
        time.sleep(0.1)
    raise LoaderError(f"the Trino server did not answer within {START_TIMEOUT_SECONDS:.0f} s; see {log_path}")


def _run_statement(url: str, sql: str, timeout: float) -> list[list[object]]:
    deadline = time.monotonic() + timeout
    headers = {"X-Trino-User": "lakehouse", "X-Trino-Catalog": CATALOG}
    request = urllib.request.Request(f"{url}/v1/statement", sql.encode(), headers)  # noqa: S310 - loopback
    rows: list[list[object]] = []
    try:
        while True:
            with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310 - loopback
                answer = json.load(response)
            if "error" in answer:
                raise LoaderError(f"Trino: {answer['error']['message']}")
            rows += answer.get("data", [])
            if "nextUri" not in answer:
                return rows
            if time.monotonic() > deadline:
                cancel = urllib.request.Request(answer["nextUri"], headers=headers, method="DELETE")  # noqa: S310
                urllib.request.urlopen(cancel, timeout=timeout).close()  # noqa: S310 - loopback
                raise LoaderError(f"Trino: the statement took longer than {timeout:.0f} s")
            request = urllib.request.Request(answer["nextUri"], headers=headers)  # noqa: S310 - loopback
    except OSError as error:
        raise LoaderError(f"Trino at {url} can't be reached: {error}") from error


def _fingerprint(settings: TrinoSettings, catalogs: Catalogs) -> str:
    content = json.dumps([settings.memory_megabytes, {name: dict(catalogs[name]) for name in sorted(catalogs)}])
    return hashlib.sha256(content.encode()).hexdigest()


def _state_path(home: Path) -> Path:
    return home / "state.json"


def _read_state(home: Path) -> dict:
    try:
        return json.loads(_state_path(home).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
