"""Fixtures that all tests share: a local lakehouse of the test session's own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyiceberg.catalog import Catalog, load_catalog
from trino_available import ATHENA_PACKAGES, cannot_fetch_trino, missing_for_trino, missing_packages
from warehouse import Warehouse, claim_port_block

from loaders.lakehouse import store
from loaders.lakehouse.settings import Settings

if TYPE_CHECKING:
    from athena_warehouse import AthenaWarehouse

_no_athena = missing_packages(ATHENA_PACKAGES, "make test-athena")
# These import what is not installed.
collect_ignore_glob = ["test_athena*.py"] if _no_athena else []

_namespaces = itertools.count(1)


def pytest_report_header() -> list[str]:
    """Say which tests are for make targets of their own, and why they can't be found."""
    lines = ["tests marked trino, athena and long: run by 'make parity', 'test-athena' and 'test-long'"]
    return [*lines, f"tests of target athena: not here: {_no_athena}"] if _no_athena else lines


@pytest.fixture(scope="session")
def lakehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[store.Store]:
    """A running local lakehouse; the environment points to it, also for processes that tests start."""
    home = tmp_path_factory.mktemp("lakehouse")
    port, claim = claim_port_block()
    with claim, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("PYICEBERG_")]:
            patch.delenv(name)
        patch.setenv("LAKEHOUSE_HOME", str(home))
        patch.setenv("LAKEHOUSE_PORT", str(port))
        running = store.ensure_running()
        yield running
        store.stop(Settings.from_environment())


@pytest.fixture(scope="session")
def catalog(lakehouse: store.Store) -> Catalog:
    """The Iceberg catalog of the lakehouse."""
    return load_catalog("default", **lakehouse.catalog_properties())


@pytest.fixture(scope="session")
def glue(lakehouse: store.Store) -> Iterator[dict[str, str]]:
    """Glue, played by moto, for tables in the lakehouse's S3: the properties of pyiceberg's catalog."""
    from glue_server import glue_properties, glue_server  # seconds to import, and few tests need it

    lakehouse.s3_client().create_bucket(Bucket="glue")
    with glue_server() as url:
        yield glue_properties(url, lakehouse, "glue")


@pytest.fixture(params=["rest", "glue"])
def either(request: pytest.FixtureRequest, lakehouse: store.Store) -> dict[str, str]:
    """The properties of one catalog, then of the other: the lakehouse's own, and Glue."""
    if request.param == "glue":
        return request.getfixturevalue("glue")
    return {"type": "rest", **lakehouse.catalog_properties()}


@pytest.fixture(scope="session")
def athena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaWarehouse]:
    """A lakehouse on the Athena endpoint."""
    if reason := missing_for_trino() or cannot_fetch_trino():
        pytest.skip(reason)
    from athena_warehouse import athena_warehouse

    with athena_warehouse(tmp_path_factory.mktemp("athena")) as warehouse:
        yield warehouse


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
