"""Each convention of dbt-bouncer.yml, broken on purpose: refused, with a message that says what to do."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import address_ranges
import pytest
import yaml
from warehouse import parsed_manifest

from loaders.lakehouse.settings import PROJECT_ROOT

Manifest = dict[str, Any]
PACKAGE = "web_events_lakehouse"
RULES = yaml.safe_load((PROJECT_ROOT / "dbt-bouncer.yml").read_text())["manifest_checks"]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The project, as dbt parses it with all models that a variable switches on."""
    variables = json.dumps(address_ranges.VARIABLES)
    return parsed_manifest(tmp_path_factory.mktemp("conventions"), "--vars", variables)


def breaches(manifest: Manifest, directory: Path) -> dict[str, str]:
    """What dbt-bouncer finds in a manifest: `check:rule:object` and the message."""
    (directory / "manifest.json").write_text(json.dumps(manifest))
    config = yaml.safe_load((PROJECT_ROOT / "dbt-bouncer.yml").read_text())
    config |= {"dbt_artifacts_dir": str(directory), "custom_checks_dir": str(PROJECT_ROOT / "conventions")}
    (directory / "dbt-bouncer.yml").write_text(yaml.safe_dump(config))
    found = directory / "found.json"
    options = ["--config-file", str(directory / "dbt-bouncer.yml"), "--output-file", str(found)]
    command = [str(Path(sys.executable).parent / "dbt-bouncer"), "run", *options, "--output-only-failures"]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert found.exists(), done.stdout + done.stderr
    failures = json.loads(found.read_text())
    assert (done.returncode != 0) is bool(failures), done.stdout
    return {failure["check_run_id"]: failure["failure_message"] for failure in failures}


def test_the_project_keeps_its_conventions(manifest: Manifest, tmp_path: Path) -> None:
    assert breaches(manifest, tmp_path) == {}


def model(manifest: Manifest, name: str) -> dict[str, Any]:
    return manifest["nodes"][f"model.{PACKAGE}.{name}"]


def move(name: str, folder: str) -> Callable[[Manifest, Path], None]:
    """A model, with its YAML, in another folder."""

    def change(manifest: Manifest, _: Path) -> None:
        node = model(manifest, name)
        node["original_file_path"] = f"models/{folder}/{name}.sql"
        node["patch_path"] = f"{PACKAGE}://models/{folder}/_{folder.split('/')[-1]}__models.yml"

    return change


def update(of: str, **values: Any) -> Callable[[Manifest, Path], None]:
    """Other values of a model, also below `config`."""

    def change(manifest: Manifest, _: Path) -> None:
        node = model(manifest, of)
        node["config"] |= values.get("config", {})
        node |= {key: value for key, value in values.items() if key != "config"}

    return change


def read(name: str, *upstream: str) -> Callable[[Manifest, Path], None]:
    """A model reads something more."""

    def change(manifest: Manifest, _: Path) -> None:
        model(manifest, name)["depends_on"]["nodes"] += upstream

    return change


def column(name: str, columns: str, **values: str) -> Callable[[Manifest, Path], None]:
    """Other values of a model's column, which is added when it has none of the name."""

    def change(manifest: Manifest, _: Path) -> None:
        node = model(manifest, name)
        some = next(iter(node["columns"].values()))
        node["columns"][columns] = {**node["columns"].get(columns, some), "name": columns, **values}

    return change


def without_unique_test(manifest: Manifest, _: Path) -> None:
    key = f"model.{PACKAGE}.hourly_revenue"
    for name, node in list(manifest["nodes"].items()):
        if node.get("attached_node") == key and "unique" in node["name"]:
            del manifest["nodes"][name]


def bare_seed_column(manifest: Manifest, _: Path) -> None:
    manifest["nodes"][f"seed.{PACKAGE}.click_ids"]["columns"]["click_id_type"]["description"] = ""


def seed_column_that_is_not_listed(manifest: Manifest, _: Path) -> None:
    del manifest["nodes"][f"seed.{PACKAGE}.channel_rules"]["columns"]["channel"]


def bare_snapshot(manifest: Manifest, _: Path) -> None:
    manifest["nodes"][f"snapshot.{PACKAGE}.user_history"]["description"] = " "


def source_without_columns(manifest: Manifest, _: Path) -> None:
    manifest["sources"][f"source.{PACKAGE}.raw.reviews"]["columns"] = {}


def bare_macro(manifest: Manifest, directory: Path) -> None:
    path = directory / "bare.sql"
    path.write_text(
        "{# Of another macro. #}\n{% macro one() %}1{% endmacro %}\n{% macro to_money(x) %}2{% endmacro %}"
    )
    manifest["macros"][f"macro.{PACKAGE}.to_money"]["original_file_path"] = str(path)


def model_without_owner(manifest: Manifest, _: Path) -> None:
    """One only, as when a folder is new."""
    manifest["groups"] = {"group.core": {"name": "core", "unique_id": "group.core", "resource_type": "group"}}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            group = None if node["name"] == "dim_dates" else "core"
            node["config"]["group"] = node["group"] = group


# By the check and the object that breaks it: how, and a piece of what is said. Each breaks one rule only.
BREACHES: dict[tuple[str, str], tuple[Callable[[Manifest, Path], None], str]] = {
    ("check_model_directories", "stickiness"): (move("stickiness", "reports"), "Move it into staging"),
    ("check_model_names", "stg_reviews"): (update("stg_reviews", name="reviews_staged"), "stg_<what>.sql"),
    ("check_model_names", "int_visitor_funnels"): (
        update("int_visitor_funnels", name="funnels"),
        "int_<what>.sql",
    ),
    ("check_model_names", "best_sellers"): (update("best_sellers", name="int_best"), "without stg_ or int_"),
    ("check_model_documented_in_same_directory", "anomalies"): (
        update("anomalies", patch_path=f"{PACKAGE}://models/marts/core/_core__models.yml"),
        "Describe it in _<folder>__models.yml",
    ),
    ("check_lineage_source_cannot_be_used", "schema_drift"): (
        read("schema_drift", f"source.{PACKAGE}.raw.web_events"),
        "Read the stg_ model",
    ),
    ("check_lineage_permitted_upstream_models", "stg_products"): (
        read("stg_products", f"model.{PACKAGE}.dim_products"),
        "into an intermediate model",
    ),
    ("check_lineage_permitted_upstream_models", "page_performance"): (
        read("page_performance", f"model.{PACKAGE}.stg_web_events"),
        "reads the fact or dimension instead",
    ),
    ("check_model_description_contains_regexp_pattern", "top_products"): (
        update("top_products", description="The most viewed products."),
        'Begin the description with "One row per',
    ),
    ("check_model_column_description_populated", "return_rates"): (
        column("return_rates", "category", description=""),
        "Say in the model's YAML what the column means",
    ),
    ("check_columns_are_listed", "int_changes"): (
        update("int_changes", columns={}),
        "List the model's columns",
    ),
    ("check_seed_is_described", "click_ids"): (bare_seed_column, "seeds/_seeds.yml"),
    ("check_seed_is_described", "channel_rules"): (seed_column_that_is_not_listed, "['channel']"),
    ("check_snapshot_is_described", "user_history"): (bare_snapshot, "Describe the snapshot"),
    ("check_source_is_described", "raw_reviews"): (source_without_columns, "Describe the table"),
    ("check_macro_is_described", "to_money"): (bare_macro, "{# What it gives. #}"),
    ("check_model_has_unique_test", "hourly_revenue"): (without_unique_test, "Add `unique` to the key"),
    ("check_model_has_contracts_enforced", "daily_kpis"): (
        update("daily_kpis", contract={"enforced": False}),
        "Take `contract` out",
    ),
    ("check_model_column_name_complies_to_column_type", "fct_reviews"): (
        column("fct_reviews", "review_date", data_type="varchar"),
        "the data_type date",
    ),
    ("check_model_column_name_complies_to_column_type", "dim_visitors"): (
        column("dim_visitors", "first_seen_at", data_type="bigint"),
        "the data_type timestamp(6)",
    ),
    ("check_model_column_name_complies_to_column_type", "dim_spaces"): (
        column("dim_spaces", "has_rooms", data_type="integer"),
        "the data_type boolean",
    ),
    ("check_model_says_what_rebuilds_it", "user_lifecycle"): (
        update("user_lifecycle", config={"meta": {}}),
        "Add meta={'rebuild_by'",
    ),
    ("check_model_says_what_rebuilds_it", "product_ratings"): (
        update("product_ratings", config={"meta": {"rebuild_by": "shop_id"}}),
        "'shop_id': no column in its YAML",
    ),
    ("check_model_has_owner", "dim_dates"): (model_without_owner, "one of those in models/_groups.yml"),
}


def test_each_convention_is_refused_with_what_to_do(manifest: Manifest, tmp_path: Path) -> None:
    broken = copy.deepcopy(manifest)
    for change, _ in BREACHES.values():
        change(broken, tmp_path)
    found = breaches(broken, tmp_path)
    rules = {}
    said = {}
    for run, message in found.items():
        check, index, *_, name = run.split(":")
        rules[int(index)] = check
        said.setdefault((check, name.split(".")[-1]), message)
    assert set(said) == set(BREACHES)
    for breach, (_, says) in BREACHES.items():
        assert says in said[breach], breach
    # A rule that is added is broken here, too.
    assert rules == {index: rule["name"] for index, rule in enumerate(RULES)}
    assert all(rule.get("description") for rule in RULES), "each says why, and what to do"
