"""Fixtures that all tests share: a local lakehouse of the test session's own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog, load_catalog
from warehouse import Warehouse, free_port_block

from loaders.lakehouse import store
from loaders.lakehouse.settings import Settings

_namespaces = itertools.count(1)


@pytest.fixture(scope="session")
def lakehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Store]:
    """A running local lakehouse; the environment points to it, also for processes that tests start."""
    home = tmp_path_factory.mktemp("lakehouse")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("PYICEBERG_")]:
            patch.delenv(name)
        patch.setenv("LAKEHOUSE_HOME", str(home))
        patch.setenv("LAKEHOUSE_PORT", str(free_port_block()))
        running = store.ensure_running()
        yield running
        store.stop(Settings.from_environment())


@pytest.fixture(scope="session")
def catalog(lakehouse: store.Store) -> Catalog:
    """The Iceberg catalog of the lakehouse."""
    return load_catalog("default", **lakehouse.catalog_properties())


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    """A lakehouse of the test's own, with the commands that load and build it."""
    one = Warehouse(tmp_path)
    yield one
    one.close()


@pytest.fixture
def namespace() -> str:
    """A raw namespace of the test's own."""
    return f"raw_{next(_namespaces)}"
