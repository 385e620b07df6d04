"""The Trino server of the local lakehouse: how it is fetched, configured, started and stopped."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from trino_available import cannot_fetch_trino, missing_for_trino

from loaders.errors import LoaderError
from loaders.lakehouse import duckdb_session, trino
from loaders.lakehouse.store import Store
from loaders.lakehouse.trino import Trino, TrinoSettings

LOOPBACK = {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


@pytest.fixture(scope="module")
def server(lakehouse: Store) -> Iterator[Trino]:
    """A running server on the lakehouse of the test session."""
    if reason := missing_for_trino() or cannot_fetch_trino():
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TRINO_PORT", str(_free_port()))
        environment.setenv("TRINO_MEMORY", "1G")
        settings = TrinoSettings.from_environment()
        try:
            yield trino.start(settings)
        finally:
            trino.stop(settings)


@pytest.mark.trino
def test_duckdb_reads_what_trino_writes(server: Trino) -> None:
    server.query("create schema lake.trino_shared")
    server.query(
        "create table lake.trino_shared.events "
        "(id bigint, event_date date, seen_at timestamp(6), note varchar) "
        "with (partitioning = ARRAY['event_date'])"
    )
    server.query(
        "insert into lake.trino_shared.events values "
        "(1, date '2026-01-01', timestamp '2026-01-01 10:00:00.123456', 'keep'), "
        "(2, date '2026-01-01', null, 'change'), (3, date '2026-01-02', null, 'drop')"
    )
    server.query(
        "merge into lake.trino_shared.events t "
        "using (values (2, 'changed', false), (3, '', true), (4, 'new', false)) s (id, note, is_removed) "
        "on t.id = s.id "
        "when matched and s.is_removed then delete "
        "when matched then update set note = s.note "
        "when not matched and not s.is_removed then insert (id, note) values (s.id, s.note)"
    )
    query = (
        "select id, cast(event_date as varchar), cast(seen_at as varchar), note "
        "from lake.trino_shared.events order by id"
    )
    expected = [
        [1, "2026-01-01", "2026-01-01 10:00:00.123456", "keep"],
        [2, "2026-01-01", None, "changed"],
        [4, None, None, "new"],
    ]
    assert server.query(query) == expected
    duckdb = duckdb_session.connect()
    assert [list(row) for row in duckdb.execute(query).fetchall()] == expected

    duckdb.execute("delete from lake.trino_shared.events where id = 1")
    assert server.query("select count(*) from lake.trino_shared.events") == [[2]]


@pytest.mark.trino
def test_listens_on_loopback_only(server: Trino) -> None:
    sockets = psutil.Process(server.pid).net_connections("inet")
    listening = {(each.laddr.ip, each.laddr.port) for each in sockets if each.status == psutil.CONN_LISTEN}
    assert listening
    assert {address for address, _ in listening} <= LOOPBACK
    assert {port for _, port in listening} == {server.settings.port}


@pytest.mark.trino
def test_files_with_keys_are_private(server: Trino, lakehouse: Store) -> None:
    files = list((server.settings.home / "etc").rglob("*.properties"))
    assert "lake.properties" in {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert lakehouse.secret_key in (server.settings.home / "etc/catalog/lake.properties").read_text()
    assert lakehouse.secret_key not in (server.settings.home / "server.log").read_text()


@pytest.mark.trino
def test_second_start_finds_the_first(server: Trino) -> None:
    assert trino.start(server.settings) == server
    assert trino.find_running(server.settings) == server


@pytest.mark.trino
def test_start_with_another_configuration_is_refused(server: Trino) -> None:
    with pytest.raises(LoaderError, match="another configuration"):
        trino.start(server.settings, {"other": {"connector.name": "iceberg"}})
    with pytest.raises(LoaderError, match="already runs on port"):
        trino.start(replace(server.settings, port=server.settings.port + 1))


@pytest.mark.trino
def test_statement_errors_are_one_line(server: Trino) -> None:
    with pytest.raises(LoaderError, match="Trino: line 1:15: Schema 'nowhere' does not exist"):
        server.query("select * from lake.nowhere.nothing")
    slow = "select count(*) from unnest(sequence(1, 10000)) cross join unnest(sequence(1, 10000))"
    with pytest.raises(LoaderError, match="took longer than"):
        server.query(slow, timeout=0.01)


@pytest.mark.trino
def test_stops_restarts_with_further_catalogs_and_reports_bad_ones(server: Trino, lakehouse: Store) -> None:
    settings = server.settings
    assert trino.stop(settings)
    assert not psutil.pid_exists(server.pid)
    assert trino.find_running(settings) is None
    assert not trino.stop(settings)

    with pytest.raises(LoaderError, match=r"did not start: .*Invalid value 'nonsense'"):
        trino.start(settings, {"broken": {"connector.name": "iceberg", "iceberg.catalog.type": "nonsense"}})
    assert trino.find_running(settings) is None

    restarted = trino.start(settings, {"awsdatacatalog": trino.lake_catalog(lakehouse)})
    catalogs = {row[0] for row in restarted.query("show catalogs")}
    assert {"lake", "awsdatacatalog"} <= catalogs


def test_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LoaderError, match=r"port \d+ of the Trino server is taken by .*: set TRINO_PORT"):
            trino._check_port(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("TRINO_PORT", "http", "TRINO_PORT is 'http'"),
        ("TRINO_PORT", "80", "TRINO_PORT is '80'"),
        ("TRINO_PORT", "65536", "TRINO_PORT is '65536'"),
        ("TRINO_MEMORY", "lots", "TRINO_MEMORY is 'lots'"),
        ("TRINO_MEMORY", "512M", "TRINO_MEMORY is '512M'"),
        ("TRINO_MEMORY", "3", "TRINO_MEMORY is '3'"),
    ],
)
def test_bad_settings_are_named(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(LoaderError, match=message):
        TrinoSettings.from_environment()


def test_default_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TRINO_PORT", "TRINO_MEMORY"):
        monkeypatch.delenv(variable, raising=False)
    settings = TrinoSettings.from_environment()
    assert (settings.port, settings.memory_megabytes, settings.url) == (18400, 3072, "http://127.0.0.1:18400")


def test_trino_home_must_be_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRINO_HOME", str(tmp_path))
    with pytest.raises(LoaderError, match="is no Trino server"):
        trino.ensure_server(tmp_path / "cache")
    _make_server(tmp_path)
    assert trino.ensure_server(tmp_path / "cache") == tmp_path


def test_without_maven_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRINO_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LoaderError, match="'mvn' is not installed: install it, or set TRINO_HOME"):
        trino.ensure_server(tmp_path / "cache")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo '[INFO] hello'; echo '[ERROR] no such host'; exit 1", "could not fetch .*no such host"),
        ("exit 0", "could not fetch"),
        (
            "for option; do case $option in -DoutputDirectory=*) "
            'echo x > "${option#*=}/trino-server-core-476.tar.gz";; esac; done',
            "has the SHA-256 .*delete it from Maven's local repository",
        ),
    ],
)
def test_a_failed_fetch_leaves_nothing(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "mvn").chmod(0o755)
    monkeypatch.delenv("TRINO_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    cache = tmp_path / "cache" / "trino"
    with pytest.raises(LoaderError, match=message):
        trino.ensure_server(cache)
    assert [path.name for path in cache.parent.iterdir()] == ["trino.lock"]


def test_an_unpacked_server_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRINO_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    _make_server(tmp_path / "cache")
    assert trino.ensure_server(tmp_path / "cache") == tmp_path / "cache"


def _make_server(directory: Path) -> None:
    (directory / "plugin" / "iceberg").mkdir(parents=True)
    (directory / "lib").mkdir()
    (directory / "lib" / "io.trino_trino-main-476.jar").touch()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
