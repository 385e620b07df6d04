"""`python -m loaders ledger`: whether the ledger knows all that is in the raw tables, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator

import click
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from loaders.catalog import RAW_NAMESPACE, catalog_errors, open_catalog
from loaders.errors import LoaderError
from loaders.ledger import LEDGER, Ledger
from loaders.raw_tables import DATASETS
from loaders.rebuild import Comparison, compare, rebuild


@click.group("ledger")
def ledger_group() -> None:
    """Compare the ledger raw.load_batches, which says what is loaded, with the raw tables."""


@ledger_group.command()
def check() -> None:
    """Say what the ledger lacks, and change nothing; exit status 1 when it lacks something.

    It may find the batch that a loader commits at the moment.
    """
    catalog = open_catalog()
    with catalog_errors("the ledger can't be opened"):
        if not catalog.table_exists((RAW_NAMESPACE, LEDGER)):
            raise LoaderError(f"the ledger {RAW_NAMESPACE}.{LEDGER} is missing: run 'ledger rebuild'")
    ledger = Ledger(catalog, RAW_NAMESPACE)
    is_complete = True
    for dataset, raw in _raw_tables(catalog):
        ledger.refresh()
        found = compare(raw, ledger, dataset)
        if len(found.missing):
            is_complete = False
            click.echo(f"raw.{dataset}: the ledger lacks {found}: the next load or 'ledger rebuild' mends it")
        else:
            click.echo(f"raw.{dataset}: the ledger knows all {found.objects:,} objects")
        _show_surplus(dataset, found)
    if not is_complete:
        raise SystemExit(1)


@ledger_group.command("rebuild")
def rebuild_command() -> None:
    """Write what the ledger lacks again, from the rows of the raw tables; what it has stays.

    Rows can't tell the size of an object, nor of objects without records: the next load reads those again.
    """
    catalog = open_catalog()
    ledger = Ledger(catalog, RAW_NAMESPACE)
    for dataset, raw in _raw_tables(catalog):
        ledger.refresh()
        found = rebuild(raw, ledger, dataset)
        click.echo(f"raw.{dataset}: {found} written, of {found.objects:,} objects")
        _show_surplus(dataset, found)


def _raw_tables(catalog: Catalog) -> Iterator[tuple[str, Table]]:
    for dataset in DATASETS:
        with catalog_errors(f"the raw table {dataset} can't be opened"):
            raw = (
                catalog.load_table((RAW_NAMESPACE, dataset))
                if catalog.table_exists((RAW_NAMESPACE, dataset))
                else None
            )
        if raw:
            yield dataset, raw


def _show_surplus(dataset: str, found: Comparison) -> None:
    if len(found.without_rows):
        click.echo(
            f"raw.{dataset}: the ledger has {len(found.without_rows):,} objects whose rows are gone; "
            f"they are not loaded again"
        )
