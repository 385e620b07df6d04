"""profiles.yml, as dbt reads it."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import yaml
from dbt.config.renderer import ProfileRenderer
from dbt_common.context import set_invocation_context

from loaders.lakehouse.settings import PROJECT_ROOT

NEEDED = {
    "ATHENA_WORK_GROUP": "w",
    "ATHENA_STAGING_DIR": "s3://b/staging/",
    "ATHENA_DATA_DIR": "s3://b/tables/",
}


def target(name: str, **environment: str) -> dict[str, Any]:
    """A target's connection in an environment."""
    set_invocation_context({**NEEDED, **environment})
    outputs = yaml.safe_load((PROJECT_ROOT / "profiles.yml").read_text())["web_events_lakehouse"]["outputs"]
    try:
        return ProfileRenderer({}).render_data(outputs[name])
    finally:
        set_invocation_context(os.environ)


@pytest.mark.parametrize(
    ("user", "schema"),
    [
        ("ana", "analytics_ana"),
        ("Ana.Lopez-Garcia", "analytics_ana_lopez_garcia"),
        ("ana@example.com", "analytics_ana_example_com"),
        ("CORP\\ana", "analytics_corp_ana"),
        ("7of9", "analytics_7of9"),
        ("Jörg", "analytics_j_rg"),
        ("李明", "analytics__"),
        ("", "analytics_"),
        ("x" * 300, "analytics_" + "x" * 60),
    ],
)
def test_a_developers_schema_is_a_name_that_glue_takes(user: str, schema: str) -> None:
    assert target("athena", USER=user)["schema"] == schema
    # Glue's names have 255 bytes; the longest of dbt's own schemas is below that one.
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,229}", schema)


def test_schema_without_a_user_and_of_ones_own() -> None:
    assert target("athena")["schema"] == "analytics_dev"
    assert target("athena", USER="Ana.B", DBT_SCHEMA="shared")["schema"] == "shared"
    assert target("athena_prod", USER="Ana.B")["schema"] == "analytics"


@pytest.mark.parametrize("name", ["athena", "athena_prod"])
def test_region(name: str) -> None:
    assert (
        target(name, AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-central-1")["region_name"] == "eu-west-1"
    )
    assert target(name, AWS_DEFAULT_REGION="eu-central-1")["region_name"] == "eu-central-1"
    assert target(name)["region_name"] == "us-east-1"
