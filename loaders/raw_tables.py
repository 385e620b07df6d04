"""All tables of the raw namespace: dbt reads each of them, also where nothing was loaded into it yet."""

from __future__ import annotations

from pyiceberg.catalog import Catalog

from loaders.catalog import RAW_NAMESPACE, open_table
from loaders.envelope import RAW_SCHEMA
from loaders.ledger import Ledger

DATASETS = ("web_events", "transactions", "products", "reviews")


def create_raw_tables(catalog: Catalog, namespace: str = RAW_NAMESPACE) -> None:
    """Create the raw tables and the ledger where they are missing.

    Raises:
        LoaderError: the catalog refuses.
    """
    for dataset in DATASETS:
        open_table(catalog, namespace, dataset, RAW_SCHEMA)
    Ledger(catalog, namespace)
