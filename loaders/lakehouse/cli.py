"""`python -m loaders lakehouse …`: start, stop and look at the local lakehouse."""

from __future__ import annotations

import click

from loaders.catalog import open_catalog
from loaders.lakehouse import store
from loaders.lakehouse.settings import Settings
from loaders.loading import prepare


@click.group("lakehouse")
def lakehouse_group() -> None:
    """The local lakehouse: S3 and an Iceberg REST catalog on loopback."""


@lakehouse_group.command()
def up() -> None:
    """Start it when it is not up, and make the raw tables."""
    _print_running(store.ensure_running())
    notes, errors = prepare(open_catalog())
    for note in notes:
        click.echo(f"Note: {note}", err=True)
    if errors:
        raise next(iter(errors.values()))


@lakehouse_group.command()
def down() -> None:
    """Stop it; nothing is lost."""
    settings = Settings.from_environment()
    stopped = store.stop(settings)
    click.echo(f"local lakehouse in {settings.home}: {'stopped' if stopped else 'was not running'}")


@lakehouse_group.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Start over: stop it and remove its data, which is all of its tables and objects.

    Its keys, its ports and what was fetched for it stay, so that programs that know them go on to work.
    """
    settings = Settings.from_environment()
    if not settings.data.exists():
        click.echo(f"local lakehouse in {settings.home}: there is no data")
        return
    if not yes:
        click.confirm(f"Remove all tables and objects of the local lakehouse in {settings.home}?", abort=True)
    store.remove_data(settings)
    click.echo(f"local lakehouse in {settings.home}: its data is gone")


@lakehouse_group.command()
def status() -> None:
    """Say whether it runs, where, and which tables it has. Exit status 1 when it does not run."""
    settings = Settings.from_environment()
    running = store.find_running(settings)
    if running is None:
        click.echo(f"local lakehouse in {settings.home}: not running")
        raise SystemExit(1)
    _print_running(running)
    catalog = open_catalog()
    for namespace in catalog.list_namespaces():
        tables = sorted(name for *_, name in catalog.list_tables(namespace))
        click.echo(f"  {'.'.join(namespace)}: {', '.join(tables)}")


@lakehouse_group.command()
def env() -> None:
    """Print the shell's environment for AWS tools: eval "$(python -m loaders lakehouse env)"."""
    for name, value in store.ensure_running().aws_environment().items():
        click.echo(f"export {name}={value}")


def _print_running(running: store.Store) -> None:
    settings = running.settings
    click.echo(
        f"local lakehouse in {settings.home}: running (process {running.pid})\n"
        f"  Iceberg REST catalog {settings.iceberg_uri} (warehouse 'warehouse')\n"
        f"  S3 {settings.s3_endpoint} (bucket 'landing'); keys in {settings.home / 'credentials.json'}"
    )
