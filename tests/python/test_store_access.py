"""Without credentials nobody reads, lists, writes or deletes in the store, at whatever port or file."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import ssl
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from warehouse import Warehouse

from loaders.lakehouse import store
from loaders.lakehouse.settings import LANDING_BUCKET, WAREHOUSE

# What an HTTP/2 client says first, with its empty settings; a gRPC server answers with settings of its own.
HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
# Answered to anyone: that the server is there, its version, how full its disk is; no names, no tokens.
OPEN = {
    ("master", "/"),
    ("master", "/ui/index.html"),
    ("master", "/cluster/status"),
    # Its page with statistics, whatever is asked there.
    ("master", "/?Action=CreateAccessKey&Version=2010-05-08"),
    ("volume", "/status"),
    ("s3", "/status"),
    ("admin", "/metrics"),
    ("iceberg", f"/v1/config?warehouse={WAREHOUSE}"),
    *((name, path) for name in ("master", "volume", "filer", "s3") for path in ("/healthz", "/readyz")),
}


@dataclass(frozen=True)
class Kept:
    """An object of the store: what nobody may learn or change."""

    key: str
    content: bytes
    file_id: str


@pytest.fixture
def kept(lakehouse: store.Store) -> Iterator[Kept]:
    client = lakehouse.s3_client()
    key, content = f"kept-{secrets.token_hex(8)}", secrets.token_bytes(100_000)
    client.put_object(Bucket=LANDING_BUCKET, Key=key, Body=content)
    yield Kept(key, content, file_id(lakehouse.settings.home / "store", content))
    client.delete_object(Bucket=LANDING_BUCKET, Key=key)


def file_id(directory: Path, content: bytes) -> str:
    """The id by which the volume server knows a content: its place in a volume file tells it.

    A record there is: cookie (4 bytes), id (8), size (4), size of the content (4), the content.
    """
    for path in directory.glob("*.dat"):
        place = path.read_bytes().find(content)
        if place > 0:
            head = path.read_bytes()[place - 20 : place - 8]
            number = path.stem.rpartition("_")[2]
            return f"{number},{int.from_bytes(head[4:]):x}{head[:4].hex()}"
    raise AssertionError("the content is in no volume file")


def listening(running: store.Store) -> set[int]:
    """Every port that the store's process and its children listen on, as /proc/net has them."""
    process = psutil.Process(running.pid)
    found = [c for one in [process, *process.children(recursive=True)] for c in one.net_connections("tcp")]
    return {c.laddr.port for c in found if c.status == psutil.CONN_LISTEN}


def requests(one: Kept) -> Iterator[tuple[str, str]]:
    """Methods and paths of all of the store's parts; each is tried at each port."""
    of_object = (f"/{LANDING_BUCKET}/{one.key}", f"/buckets/{LANDING_BUCKET}/{one.key}", f"/{one.file_id}")
    new = (f"/{LANDING_BUCKET}/new", f"/buckets/{LANDING_BUCKET}/new", "/buckets/new/", "/.tus/new")
    for path in of_object:
        yield from ((method, path) for method in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"))
    for path in new:
        yield from ((method, path) for method in ("PUT", "POST"))
    for path in (
        "/",
        f"/{LANDING_BUCKET}",
        f"/{LANDING_BUCKET}?list-type=2",
        "/buckets/",
        f"/buckets/{LANDING_BUCKET}/",
        "/ui/index.html",
        "/status",
        "/healthz",
        "/readyz",
        "/cluster/status",
        "/dir/assign",
        "/dir/status",
        f"/dir/lookup?fileId={one.file_id}&read=yes",
        "/vol/status",
        "/vol/grow?count=1",
        "/vol/vacuum",
        f"/collection/info?collection={LANDING_BUCKET}",
        f"/col/delete?collection={LANDING_BUCKET}",
        "/stats/disk",
        "/metrics",
        "/debug/pprof/",
        "/v1/namespaces",
        f"/v1/{WAREHOUSE}/namespaces",
        f"/v1/config?warehouse={WAREHOUSE}",
    ):
        yield from ((method, path) for method in ("GET", "OPTIONS"))
    yield from (("POST", path) for path in ("/submit", "/v1/namespaces", f"/v1/{WAREHOUSE}/namespaces"))
    yield "POST", "/?Action=CreateAccessKey&Version=2010-05-08"
    yield "DELETE", f"/{LANDING_BUCKET}"
    yield "DELETE", f"/buckets/{LANDING_BUCKET}/?recursive=true"


def ask(port: int, method: str, path: str) -> tuple[int, dict[str, str], bytes] | None:
    """Status, headers and body of the answer to a page of another origin; None when HTTP is not spoken."""
    headers = {
        "Origin": "http://other.example",
        "Access-Control-Request-Method": "DELETE",
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, json.dumps({"namespace": ["new"]}).encode(), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except (http.client.HTTPException, ConnectionError):
        return None
    finally:
        connection.close()


def greeted(port: int, context: ssl.SSLContext | None) -> bool:
    """Whether a gRPC server answers there, without TLS when there is no context."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            with context.wrap_socket(plain) if context else plain as spoken:
                spoken.sendall(HTTP2_HELLO)
                # The type of an HTTP/2 frame: settings.
                return spoken.recv(9)[3:4] == b"\x04"
        except (ssl.SSLError, ConnectionError):
            return False


def tls(certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


def test_no_port_answers_without_credentials(lakehouse: store.Store, kept: Kept) -> None:
    client = lakehouse.s3_client()
    listed = {one["Key"] for one in client.list_objects_v2(Bucket=LANDING_BUCKET)["Contents"]}
    buckets = {one["Name"] for one in client.list_buckets()["Buckets"]}
    names = {port: name for name, port in lakehouse.settings.ports.items()}
    wrong, grpc = [], set()
    for port in sorted(listening(lakehouse)):
        if ask(port, "GET", "/") is None:
            grpc.add(names.get(port, port))
            if greeted(port, None) or greeted(port, tls()):
                wrong.append(f"{names.get(port, port)}: gRPC answers")
            continue
        for method, path in requests(kept):
            answer = ask(port, method, path)
            if answer is None:
                # S3 breaks off the preflight of an origin that it does not know.
                continue
            status, headers, body = answer
            if method == "OPTIONS":
                # The volume server lets any web page ask; without a token it answers none.
                opened = names.get(port) != "volume" and "access-control-allow-origin" in headers
            else:
                opened = status < 400 and (names.get(port), path) not in OPEN
            if opened or kept.content in body or (kept.key.encode() in body and kept.key not in path):
                wrong.append(f"{names.get(port, port)}: {method} {path} answers {status}")
    assert wrong == []
    assert grpc == {name for name in lakehouse.settings.ports if name.endswith("_grpc")}
    # It is the certificate that they want.
    own = tls(lakehouse.settings.home / "grpc.crt")
    assert [name for name in grpc if not greeted(lakehouse.settings.ports[name], own)] == []
    assert client.get_object(Bucket=LANDING_BUCKET, Key=kept.key)["Body"].read() == kept.content
    assert {one["Key"] for one in client.list_objects_v2(Bucket=LANDING_BUCKET)["Contents"]} == listed
    assert {one["Name"] for one in client.list_buckets()["Buckets"]} == buckets | {LANDING_BUCKET, WAREHOUSE}


def readable_by_others(directory: Path) -> list[Path]:
    """What another user can open in a directory, were the directories above it open to them."""
    if not directory.stat().st_mode & stat.S_IXOTH | stat.S_IXGRP & directory.stat().st_mode:
        return [directory] if directory.stat().st_mode & 0o077 else []
    return [
        found
        for one in directory.iterdir()
        for found in (readable_by_others(one) if one.is_dir() else [one] * bool(one.stat().st_mode & 0o077))
    ]


def test_only_the_owner_reads_its_files(lakehouse: store.Store, kept: Kept) -> None:
    home = lakehouse.settings.home
    secret = [home / name for name in ("credentials.json", "grpc.key", "grpc.crt", "store.log")]
    assert [path for path in secret if path.stat().st_mode & 0o077] == []
    assert readable_by_others(home / "store") == []
    sockets = [c.laddr for c in psutil.Process(lakehouse.pid).net_connections("unix") if c.laddr]
    assert sockets
    assert [path for path in sockets if Path(path).stat().st_mode & 0o077] == []


def test_a_lakehouse_of_before_is_closed_at_its_next_start(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = warehouse.settings.home
    pair = {"access_key": secrets.token_hex(10), "secret_key": secrets.token_hex(20)}
    home.mkdir()
    (home / "credentials.json").write_text(json.dumps(pair))
    with monkeypatch.context() as before:
        # Without the keys and certificates, as before.
        before.setattr(store, "_secrets", lambda *_: dict(zip(AWS_NAMES, pair.values(), strict=True)))
        old = store.ensure_running(warehouse.settings)
        old.s3_client().put_object(Bucket=LANDING_BUCKET, Key="old", Body=b"of before")
        store.stop(warehouse.settings)
    for directory, names, files in os.walk(home):
        for path in [*map(Path(directory).joinpath, names), *map(Path(directory).joinpath, files)]:
            path.chmod(0o755 if path.is_dir() else 0o644)
    (home / "credentials.json").write_text(json.dumps(pair))

    new = store.ensure_running(warehouse.settings)
    assert new.s3_client().get_object(Bucket=LANDING_BUCKET, Key="old")["Body"].read() == b"of before"
    keys = json.loads((home / "credentials.json").read_text())
    assert keys.items() > pair.items()
    assert len(set(keys.values())) == 6
    assert readable_by_others(home / "store") == []
    assert (home / "credentials.json").stat().st_mode & 0o077 == 0
    assert not greeted(warehouse.settings.ports["filer_grpc"], None)
    store.stop(warehouse.settings)
    store.ensure_running(warehouse.settings)
    assert json.loads((home / "credentials.json").read_text()) == keys


AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
