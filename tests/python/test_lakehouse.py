"""The local store: started by whoever needs it, on checked ports, durable."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from warehouse import Warehouse

from loaders.lakehouse import store


def write_numbers(warehouse: Warehouse, count: int) -> None:
    catalog = warehouse.catalog()
    catalog.create_namespace_if_not_exists("durable")
    rows = pa.table({"number": pa.array(range(count), pa.int64())})
    catalog.create_table_if_not_exists("durable.numbers", schema=rows.schema).append(rows)


def read_numbers(warehouse: Warehouse) -> list[int]:
    return sorted(warehouse.catalog().load_table("durable.numbers").scan().to_arrow()["number"].to_pylist())


def test_commands_start_find_and_stop_it(warehouse: Warehouse) -> None:
    status = ("python", "-m", "loaders", "lakehouse", "status")
    assert warehouse.command(*status, check=False).returncode == 1
    warehouse.command("python", "-m", "loaders", "lakehouse", "up")
    first = store.find_running(warehouse.settings)
    assert first is not None
    assert store.ensure_running(warehouse.settings).pid == first.pid
    assert str(warehouse.settings.port) in warehouse.command(*status).stdout
    warehouse.command("python", "-m", "loaders", "lakehouse", "down")
    assert store.find_running(warehouse.settings) is None


def test_it_listens_on_loopback_only(warehouse: Warehouse) -> None:
    running = store.ensure_running(warehouse.settings)
    listening = [
        c.laddr for c in psutil.Process(running.pid).net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert {address.port for address in listening} == set(warehouse.settings.ports.values())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_commit_outlives_the_store(warehouse: Warehouse, how: signal.Signals) -> None:
    write_numbers(warehouse, 1000)
    pid = store.ensure_running(warehouse.settings).pid
    os.kill(pid, how)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=20)
    assert read_numbers(warehouse) == list(range(1000))
    assert store.ensure_running(warehouse.settings).pid != pid


def test_two_run_side_by_side(warehouse: Warehouse, tmp_path: Path) -> None:
    write_numbers(warehouse, 10)
    other = Warehouse(tmp_path / "other")
    try:
        write_numbers(other, 3)
        assert read_numbers(other) == [0, 1, 2]
        assert read_numbers(warehouse) == list(range(10))
    finally:
        other.close()


def test_a_taken_port_is_a_clear_error(warehouse: Warehouse) -> None:
    with socket.socket() as holder:
        port = warehouse.settings.ports["iceberg"]
        holder.bind(("127.0.0.1", port))
        holder.listen()
        by_loader = warehouse.command("python", "-m", "loaders", "firehose", __file__, check=False)
        by_dbt = warehouse.command("dbt", "debug", check=False)
    assert by_loader.returncode != 0
    for done in (by_loader, by_dbt):
        said = done.stdout + done.stderr
        assert f"port {port} (iceberg of the local lakehouse) is taken by" in said
        assert "LAKEHOUSE_PORT" in said
        assert "Traceback" not in said


def test_an_unusable_home_is_a_clear_error(warehouse: Warehouse, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a directory")
    done = warehouse.command(
        "python", "-m", "loaders", "lakehouse", "up", check=False, LAKEHOUSE_HOME=str(blocked)
    )
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert str(blocked) in done.stderr


def test_a_bad_port_is_a_clear_error(warehouse: Warehouse) -> None:
    done = warehouse.command("python", "-m", "loaders", "lakehouse", "up", check=False, LAKEHOUSE_PORT="http")
    assert done.returncode == 1
    assert "LAKEHOUSE_PORT is 'http'" in done.stderr
