"""The local store: started by whoever needs it, on checked ports, durable."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pytest
from warehouse import Warehouse

from loaders.lakehouse import store
from loaders.lakehouse.settings import PROJECT_ROOT, Settings


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


START_ONE = """
import sys
from pathlib import Path
from warehouse import Warehouse
from loaders.lakehouse import store
from loaders.lakehouse.settings import PROJECT_ROOT, Settings
one = Warehouse(Path(sys.argv[1]))
print(store.ensure_running(one.settings).settings.port, flush=True)
sys.stdin.read()
one.close()
"""


def test_lakehouses_that_start_at_once_find_ports_of_their_own(tmp_path: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", START_ONE, str(tmp_path / str(number))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent,
        )
        for number in range(3)
    ]
    found = [process.stdout.readline().strip() for process in started]
    for process in started:
        process.communicate("")
    assert len(set(found) - {""}) == 3


def test_of_two_that_want_the_same_ports_at_once_one_gets_them(warehouse: Warehouse, tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    up = [str(Path(sys.executable)), "-m", "loaders", "lakehouse", "up"]
    started = [
        subprocess.Popen(
            up,
            env={**warehouse.environment, "LAKEHOUSE_HOME": str(home)},
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT_ROOT,
        )
        for home in homes
    ]
    said = [process.communicate()[1] for process in started]
    for home in homes:
        store.stop(Settings(home=home, port=warehouse.settings.port))
    assert sorted(process.returncode for process in started) == [0, 1]
    port = warehouse.settings.ports["s3"]
    assert any(f"port {port} (s3 of the local lakehouse) is taken by" in line for line in said)


def test_a_taken_port_is_a_clear_error(warehouse: Warehouse) -> None:
    with socket.socket() as holder:
        port = warehouse.settings.ports["iceberg"]
        # The lakehouse of the test before may have left connections that wait for their end.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
