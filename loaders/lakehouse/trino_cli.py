"""`python -m loaders trino …`: start, stop and look at the Trino server of the local lakehouse."""

from __future__ import annotations

import click

from loaders.lakehouse import trino
from loaders.lakehouse.trino import TrinoSettings


@click.group("trino")
def trino_group() -> None:
    """A Trino server on the tables of the local lakehouse, on loopback."""


@trino_group.command()
def up() -> None:
    """Start it (and the lakehouse) when it is not up; fetches Trino on first use."""
    _print_running(trino.start())


@trino_group.command()
def down() -> None:
    """Stop it; the lakehouse stays up."""
    settings = TrinoSettings.from_environment()
    stopped = trino.stop(settings)
    click.echo(f"Trino in {settings.home}: {'stopped' if stopped else 'was not running'}")


@trino_group.command()
def status() -> None:
    """Say whether it runs and where. Exit status 1 when it does not run."""
    settings = TrinoSettings.from_environment()
    running = trino.find_running(settings)
    if running is None:
        click.echo(f"Trino in {settings.home}: not running")
        raise SystemExit(1)
    _print_running(running)


def _print_running(running: trino.Trino) -> None:
    click.echo(f"Trino in {running.settings.home}: running (process {running.pid})")
    click.echo(f"  {running.url}, catalog '{trino.CATALOG}'")
