"""Choose the Iceberg catalog, and open its tables, which are made when they are missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pyiceberg.exceptions
from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from pyiceberg.utils.config import Config

from loaders.errors import LoaderError, one_line
from loaders.lakehouse.store import ensure_running

RAW_NAMESPACE = "raw"

# pyiceberg's own errors share no base; requests' and Arrow's are OSErrors.
CATALOG_ERRORS = (
    OSError,
    ValueError,
    BotoCoreError,
    ClientError,
    pyiceberg.exceptions.RESTError,
    pyiceberg.exceptions.NotInstalledError,
    pyiceberg.exceptions.CommitFailedException,
    pyiceberg.exceptions.NoSuchPropertyException,
    NoSuchTableError,
    NoSuchNamespaceError,
)


def open_catalog() -> Catalog:
    """Open the default catalog of pyiceberg's configuration, else the local lakehouse, started when needed.

    The configuration is `PYICEBERG_CATALOG__…` or `.pyiceberg.yaml`, see
    https://py.iceberg.apache.org/configuration/. A lakehouse that LAKEHOUSE names comes before it.

    Raises:
        LoaderError: the catalog can't be reached, or the local lakehouse does not start.
    """
    configuration = Config()
    name = configuration.get_default_catalog_name()
    properties = configuration.get_catalog_config(name)
    if properties is None or os.environ.get("LAKEHOUSE"):
        properties = ensure_running().catalog_properties()
    with catalog_errors(f"the Iceberg catalog '{name}' ({properties.get('uri', 'no uri')}) can't be opened"):
        return load_catalog(name, **properties)


def open_table(
    catalog: Catalog, namespace: str, name: str, schema: Schema, properties: dict[str, str] | None = None
) -> Table:
    """Open a table partitioned by day(loaded_at), made when it is missing.

    Args:
        catalog: where it is.
        namespace: made when it is missing, too.
        name: the table's.
        schema: the columns that it must have.
        properties: more properties of a table that is made.

    Raises:
        LoaderError: the catalog refuses, or the table lacks a column of the schema.
    """
    loaded_at = schema.find_field("loaded_at")
    by_day = PartitionField(loaded_at.field_id, 1000, DayTransform(), "loaded_at_day")
    with catalog_errors(f"the table {namespace}.{name} can't be opened"):
        try:
            # Asked for first: a catalog may store metadata before it says that a table exists.
            table = catalog.load_table((namespace, name))
        except (NoSuchTableError, NoSuchNamespaceError):
            catalog.create_namespace_if_not_exists(namespace)
            table = catalog.create_table_if_not_exists(
                (namespace, name),
                schema,
                partition_spec=PartitionSpec(by_day),
                properties={
                    "format-version": "2",
                    # Each load adds a manifest to a table; merging keeps the planning of reads short.
                    "commit.manifest-merge.enabled": "true",
                    "commit.manifest.min-count-to-merge": "20",
                    **(properties or {}),
                },
            )
    present = {(field.name, str(field.field_type)) for field in table.schema().fields}
    for field in schema.fields:
        if (field.name, str(field.field_type)) not in present:
            raise LoaderError(
                f"the table {namespace}.{name} has no column {field.name} of type {field.field_type}: "
                f"it is not one of the loaders, rename it"
            )
    return table


@contextmanager
def catalog_errors(what: str) -> Iterator[None]:
    """Turn errors of the catalog and of its file store into a LoaderError that starts with `what`."""
    try:
        yield
    except CATALOG_ERRORS as error:
        raise LoaderError(f"{what}: {one_line(error)}") from error
