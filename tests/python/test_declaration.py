"""What a model declares is enough: new models, new columns, changed code, lost books, deleted models."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import check_incremental
import pytest
from comparison import assert_same_rows
from random_history import START, random_events, write_object
from warehouse import MARTS, Warehouse, copy_project

from loaders.lakehouse.settings import PROJECT_ROOT

RECIPE = re.search(r"```sql\n(.*?)```", (PROJECT_ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
BY_DAY = re.sub(r"(?m)^   ", "", RECIPE[1]).replace("country", "space_type")
WITHOUT_DAYS = BY_DAY.replace("partitioned_by=['month(event_date)'], ", "")
# Variants of the recipe, with no Jinja but config and ref.
NEW_MARTS = {
    "by_day": BY_DAY,
    "by_visitor": BY_DAY.replace("partitioned_by=['month(event_date)'], ", "").replace(
        "event_date", "visitor_id"
    ),
    "by_product": BY_DAY.replace("partitioned_by=['month(event_date)'], ", "").replace(
        "event_date", "product_id"
    ),
    # Days of another model: a late event moves a session's start to the day before.
    "by_session_day": """{{ config(meta={'rebuild_by': 'session_date'}) }}
select session_date, count(*) as sessions, max(session_number) as highest
from {{ ref('fct_sessions') }} group by session_date
""",
    "by_person": """{{ config(meta={'rebuild_by': 'person_id'}) }}
select person_id, count(*) as visitors from {{ ref('dim_visitors') }} group by person_id
""",
    "undeclared": "select session_id, max(event_id) as last from {{ ref('fct_web_events') }} group by 1",
}
WRONG = """{{ config(meta={'rebuild_by': 'event_date'}) }}
select event_date, count(*) as events, lag(count(*)) over (order by event_date) as events_before
from {{ ref('fct_web_events') }} group by event_date
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """A copy of the project with new marts, built by three batches."""
    home = tmp_path_factory.mktemp("declaration")
    copy = copy_project(home / "project")
    for name, sql in NEW_MARTS.items():
        (copy / "models/intermediate" / f"{name}.sql").write_text(sql)
    warehouse = Warehouse(home, project=copy, left_out=MARTS)
    events = random_events(random.Random(11))
    try:
        for number in range(3):
            write_object(home / f"{number}" / "a.json", events[number::3], START + timedelta(days=10))
            warehouse.load("firehose", home / f"{number}")
            warehouse.dbt("run")
        yield warehouse
    finally:
        warehouse.close()


def test_new_marts_are_incremental_and_equal_a_full_refresh(project: Warehouse) -> None:
    project.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    counts = assert_same_rows(project, "analytics", "refreshed")
    assert set(NEW_MARTS) <= set(counts)
    # Nothing new: no statement, no snapshot.
    before = project.snapshot_ids()
    project.dbt("run")
    assert project.snapshot_ids() == before
    # The compiled SQL is the SELECT of the full refresh, in a run, too.
    compiled = Path(project.environment["DBT_TARGET_PATH"]) / "compiled/web_events_lakehouse/models"
    assert "event_date in" not in (compiled / "marts/core/fct_web_events.sql").read_text()


def test_a_new_column_is_appended_and_filled_by_a_backfill(project: Warehouse) -> None:
    units = {
        "models/marts/core/fct_sessions.sql": "visitor_id",
        "models/intermediate/web/int_sessions.sql": "session_id",
        "models/intermediate/commerce/int_product_daily.sql": "event_date",
        "models/intermediate/web/int_web_events_sessionized.sql": "session_reach",
        "models/intermediate/web/int_web_events_deduplicated.sql": "event_identity",
        "models/intermediate/web/int_payload_keys.sql": "batch_id",
        "models/marts/commerce/conversion_funnel.sql": "product_id",
        "models/marts/commerce/top_products.sql": "everything",
    }
    for path in units:
        file = project.project / path
        sql = file.read_text()
        at = sql.rindex("from ", 0, sql.rindex("select * from final"))
        head = sql[:at].rstrip()
        file.write_text(f"{head},\n        'new' as added_column\n    {sql[at:]}")
        schema = next(file.parent.glob("_*__models.yml"))
        schema.write_text(
            re.sub(
                rf"(?ms)(- name: {file.stem}\n.*?    columns:\n)",
                r"\1      - {name: added_column, data_type: varchar, description: New.}\n",
                schema.read_text(),
                count=1,
            )
        )
    told = project.dbt("run").stdout
    names = [Path(path).stem for path in units]
    with project.connect() as lake:
        tables = {name: f"lake.{table}" for name, table in project.models().items() if name in names}
        for name, unit in zip(names, units.values(), strict=True):
            filled = lake.execute(f"select count(added_column), count(*) from {tables[name]}").fetchone()
            if unit == "everything":
                assert filled[0] == filled[1], name
            else:
                assert filled[0] == 0 < filled[1], name
                assert f"{name}: its code changed" in told
    refused = project.dbt("run", "--vars", "{on_changed_code: error}", check=False)
    assert refused.returncode == 1
    assert "int_web_events_deduplicated: its code changed" in refused.stdout

    window = '{"backfill_start": "2026-02-01", "backfill_end": "2026-12-31"}'
    project.dbt("run", "--vars", window)
    with project.connect() as lake:
        for name in names:
            empty = lake.execute(f"select count(*) from {tables[name]} where added_column is null").fetchone()
            assert empty == (0,), name
    project.dbt("run-operation", "accept_code", "--args", f"{{models: [{', '.join(names)}]}}")
    assert "its code changed" not in project.dbt("run").stdout


def test_lost_books_are_told_and_made_up_for(project: Warehouse) -> None:
    with project.connect() as lake:
        lake.execute("delete from lake.analytics.hourly_revenue")
        lake.execute(
            "delete from lake.analytics_intermediate.int_built_models where model_name = 'hourly_revenue'"
        )
    assert "hourly_revenue is built as a whole: there is no record" in project.dbt("run").stdout
    with project.connect() as lake:
        lake.execute("drop table lake.analytics_intermediate.int_built_models")
    project.dbt("run")
    assert_same_rows(project, "analytics", "refreshed", only="hourly_revenue")


def test_a_model_that_failed_catches_up(project: Warehouse, tmp_path: Path) -> None:
    """What changed while it failed is kept; it is not built as a whole, and nothing is kept afterwards."""
    mart = project.project / "models/intermediate/by_session_day.sql"
    right = mart.read_text()
    events = random_events(random.Random(12))
    for number in range(2):
        write_object(tmp_path / f"{number}" / "b.json", events[number::2], START + timedelta(days=10))
        project.load("firehose", tmp_path / f"{number}")
        mart.write_text(right.replace("count(*)", "1 // 'x'"))
        assert project.dbt("run", check=False).returncode == 1
    mart.write_text(right)
    assert "built as a whole" not in project.dbt("run").stdout
    assert project.rows("analytics_intermediate.int_changes") == []
    project.dbt("run", "--full-refresh", DBT_SCHEMA="refreshed")
    assert_same_rows(project, "analytics", "refreshed", only="by_session_day")
    assert_same_rows(project, "analytics", "refreshed", only="fct_sessions")


def test_tables_of_deleted_models_are_listed_and_dropped(project: Warehouse) -> None:
    (project.project / "models/intermediate/undeclared.sql").unlink()
    listed = project.dbt("run-operation", "drop_deleted_models").stdout
    assert re.findall(r"no model has the table .*?(\w+)\W*$", listed, re.MULTILINE) == ["undeclared"]
    project.dbt("run-operation", "drop_deleted_models", "--args", "{drop: true}")
    tables = project.snapshot_ids()
    assert "analytics_intermediate.undeclared" not in tables
    assert "raw.web_events" in tables


def test_a_wrong_declaration_is_found(
    project: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.project / "models/intermediate/wrong.sql").write_text(WRONG)
    fresh = Warehouse(tmp_path, project=project.project)
    try:
        assert check_incremental.check(fresh, "wrong", 1, tmp_path) == 1
    finally:
        fresh.close()
    assert "wrong: after two batches" in capsys.readouterr().out


def test_what_can_not_be_built_is_refused_as_dbt_parses(project: Warehouse) -> None:
    view = project.project / "models/intermediate/a_view.sql"
    view.write_text("{{ config(materialized='view') }} select 1 as one")
    refused = project.dbt("parse", check=False)
    view.unlink()
    assert refused.returncode == 2
    assert "Model a_view is materialized as 'view'" in refused.stdout
