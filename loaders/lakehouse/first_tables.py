"""The raw tables of a lakehouse into which nothing was loaded yet: dbt builds empty tables from them."""

from __future__ import annotations

from loaders.lakehouse.store import Store


def ensure_raw_tables(store: Store) -> None:
    """Make the raw tables of a local lakehouse, once: a file among its data tells that they were made.

    Raises:
        LoaderError: the catalog refuses.
    """
    made = store.settings.raw_tables_made
    if made.exists():
        return
    # They take a second to import, and few commands need them.
    from pyiceberg.catalog import load_catalog

    from loaders.loading import prepare

    _, errors = prepare(load_catalog("lake", **store.catalog_properties()))
    if errors:
        raise next(iter(errors.values()))
    made.touch()
