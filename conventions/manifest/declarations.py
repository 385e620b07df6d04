"""What rebuilds a model, and who answers for it."""

from __future__ import annotations

from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail


@check
def check_model_says_what_rebuilds_it(model: Any, *, units: list[str]) -> None:
    """A table declares in `rebuild_by` one of its columns, or a unit that has a name of its own.

    Args:
        model: one model of the manifest.
        units: the names, beside columns, that are declarations.
    """
    if model.config.materialized == "ephemeral":
        return
    declared = (model.config.meta or {}).get("rebuild_by")
    if declared is None:
        fail(f"`{model.name}` has no rebuild_by.")
    if declared not in units and declared not in (model.columns or {}):
        fail(f"`{model.name}` has rebuild_by '{declared}': no column in its YAML, and none of {units}.")


@check
def check_model_has_owner(model: Any, ctx: Any) -> None:
    """A model is in a group, where the project has groups: these name who owns it."""
    if ctx.manifest_obj.manifest.groups and not model.config.group:
        fail(f"`{model.name}` has no group.")
