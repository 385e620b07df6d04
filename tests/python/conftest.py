"""Fixtures that all tests share: a local lakehouse of the test session's own."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

import pytest
from pyiceberg.catalog import Catalog, load_catalog

from loaders.lakehouse import store
from loaders.lakehouse.settings import PORT_NAMES, Settings

_namespaces = itertools.count(1)


@pytest.fixture(scope="session")
def lakehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Store]:
    """A running local lakehouse; the environment points to it, also for processes that tests start."""
    home = tmp_path_factory.mktemp("lakehouse")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("PYICEBERG_")]:
            patch.delenv(name)
        patch.setenv("LAKEHOUSE_HOME", str(home))
        patch.setenv("LAKEHOUSE_PORT", str(_free_ports(len(PORT_NAMES))))
        running = store.ensure_running()
        yield running
        store.stop(Settings.from_environment())


@pytest.fixture(scope="session")
def catalog(lakehouse: store.Store) -> Catalog:
    """The Iceberg catalog of the lakehouse."""
    return load_catalog("default", **lakehouse.catalog_properties())


@pytest.fixture
def namespace() -> str:
    """A raw namespace of the test's own."""
    return f"raw_{next(_namespaces)}"


def _free_ports(count: int) -> int:
    """The first of some free ports, below those that the system hands out by itself."""
    for _ in range(100):
        first = random.randrange(20_000, 32_000 - count)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError("no block of free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
