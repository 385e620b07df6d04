"""Which tables are this project's: those of the raw namespace, and of the schemas that dbt builds in.

A catalog may be a whole company's (Glue has one for an account and region): other namespaces are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError

from loaders.catalog import RAW_NAMESPACE
from loaders.errors import LoaderError, one_line
from loaders.lakehouse.settings import PROJECT_ROOT
from loaders.maintenance.run import TableReport, noted


def project_namespaces(target: str | None = None) -> list[str]:
    """The raw namespace, and the schemas of a dbt target as dbt itself names them.

    Args:
        target: by default the one that dbt takes.

    Raises:
        LoaderError: dbt's profile or project can't be read, or has no such target.
    """
    # They take a second to import, and only this needs them.
    from dbt.clients.yaml_helper import load_yaml_text
    from dbt.config.profile import read_profile
    from dbt.config.renderer import ProfileRenderer
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    set_invocation_context(os.environ)
    render = ProfileRenderer({}).render_value
    try:
        project = load_yaml_text((PROJECT_ROOT / "dbt_project.yml").read_text())
        profile = read_profile(os.environ.get("DBT_PROFILES_DIR") or str(PROJECT_ROOT))[project["profile"]]
        target = target or render(profile.get("target", "default"))
        schema = render(profile["outputs"][target]["schema"])
        custom = [render(name) for name in _custom_schemas(project)]
    except (OSError, DbtBaseException, KeyError) as error:
        reason = f"profiles.yml has no {error}" if isinstance(error, KeyError) else one_line(error)
        raise LoaderError(f"dbt's schemas can't be told, name them by --namespace: {reason}") from error
    # As dbt's macro generate_schema_name puts them together.
    return [RAW_NAMESPACE, schema, *sorted({f"{schema}_{name}" for name in custom})]


def tables_of(
    catalog: Catalog, namespaces: Iterable[str], *, must_exist: bool
) -> tuple[list[tuple[str, ...]], list[TableReport]]:
    """List the tables of namespaces.

    Args:
        catalog: where they are.
        namespaces: of one level.
        must_exist: otherwise one that is missing has no tables.

    Returns:
        The tables, and a report for each namespace that can't be listed.
    """
    tables: list[tuple[str, ...]] = []
    failed: list[TableReport] = []
    for namespace in namespaces:
        report = TableReport(f"{namespace}.*")
        with noted(report):
            try:
                tables += catalog.list_tables(namespace)
            except NoSuchNamespaceError:
                if must_exist:
                    raise
        if report.error:
            failed.append(report)
    return tables, failed


def _custom_schemas(node: Any) -> Iterator[str]:
    """The values of `+schema` anywhere in dbt_project.yml."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "+schema":
                yield value
            else:
                yield from _custom_schemas(value)
