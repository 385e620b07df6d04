"""The docs site of `make docs`, of a lakehouse without tables: its files, and what a reader sees of them."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import catalog
import duckdb
import pytest
import requests
import shown
from warehouse import Warehouse

from loaders.lakehouse.settings import PROJECT_ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
TABLE, WORDS = "model.web_events_lakehouse.fct_sessions", "inactivity limit"


@dataclass
class Site:
    """A site, built and served by `make docs`."""

    folder: Path
    url: str
    output: str

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the site."""
        return json.loads((self.folder / name).read_text())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site of a lakehouse in which nothing is built."""
    warehouse = Warehouse(tmp_path_factory.mktemp("docs_site"))
    # Parses only what no other test has.
    warehouse.dbt("parse")
    make = subprocess.Popen(
        ["make", "--silent", "docs"],
        cwd=PROJECT_ROOT,
        env=warehouse.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert make.stdout is not None
        lines = []
        for line in make.stdout:
            lines.append(line)
            if url := re.search(r"http://127\.0\.0\.1:\d+/", line):
                yield Site(Path(warehouse.environment["DBT_TARGET_PATH"]) / "site", url[0], "".join(lines))
                break
        else:
            pytest.fail(f"make docs served nothing:\n{''.join(lines)}")
    finally:
        os.killpg(make.pid, signal.SIGTERM)
        make.wait()
        warehouse.close()


def test_every_column_has_a_type_where_nothing_is_built(site: Site) -> None:
    manifest, found = site.read("manifest.json"), site.read("catalog.json")
    nodes = catalog.tables(manifest)
    assert f"{len(nodes)} tables are not built yet" in site.output
    assert_typed(manifest, found)
    # What a contract says of a column, its SQL gives.
    with duckdb.connect() as connection:
        for key, node in nodes.items():
            if node["config"]["contract"]["enforced"]:
                columns = found["nodes"][key]["columns"]
                declared = {
                    name: connection.execute(f"select typeof(null::{column['data_type']})").fetchone()[0]
                    for name, column in node["columns"].items()
                }
                assert {name: column["type"] for name, column in columns.items()} == declared, key


def assert_typed(manifest: dict[str, Any], found: dict[str, Any]) -> None:
    """Each model, seed, snapshot and source has its columns, each with a type."""
    expected = catalog.tables(manifest).keys() | manifest["sources"].keys()
    assert expected <= found["nodes"].keys() | found["sources"].keys()
    for key in expected:
        columns = (found["nodes"].get(key) or found["sources"][key])["columns"]
        assert columns, key
        for name, column in columns.items():
            assert not name.startswith("__"), key
            assert column["type"] not in (None, "", "UNKNOWN"), f"{key}.{name}"


def test_sql_is_the_select_of_a_full_refresh(site: Site) -> None:
    for node in site.read("manifest.json")["nodes"].values():
        assert "/* touched" not in (node.get("compiled_code") or ""), node["name"]


@pytest.mark.parametrize(
    ("compiled", "whole"),
    [
        ("from t\n    where {}\n)", "from t\n)"),
        ("from t\n    where a = 1\n        and {}\n)", "from t\n    where a = 1\n)"),
        ("from t\n    where\n        {}\n        and a = 1\n)", "from t\n    where\n        a = 1\n)"),
        ("from t\n    where\n        {}\n        and {}\n)", "from t\n)"),
        ("from t join s on {} or a = 1", "from t join s on true or a = 1"),
    ],
)
def test_conditions_of_a_run_leave_no_trace(compiled: str, whole: str) -> None:
    assert shown.full_select(compiled.replace("{}", "true /* touched unit of all */")) == whole


def test_a_table_has_the_owner_of_its_group() -> None:
    key = "model.p.t"
    manifest = {
        "metadata": {"adapter_type": "duckdb"},
        "nodes": {key: {"resource_type": "model", "config": {"materialized": "table"}, "group": "shop"}},
        "groups": {"group.p.shop": {"name": "shop", "owner": {"email": "shop@example.com", "name": None}}},
    }
    found = {"nodes": {key: {"metadata": {"owner": None}}}}
    assert catalog.complete(manifest, found) == []
    assert found["nodes"][key]["metadata"]["owner"] == "shop@example.com"


def test_what_analysts_use_is_described_and_machinery_is_not_there(site: Site) -> None:
    manifest = site.read("manifest.json")
    macros = {macro["name"]: macro for macro in manifest["macros"].values()}
    assert macros["ratio"]["description"].startswith("A ratio of counts")
    assert [argument["name"] for argument in macros["ratio"]["arguments"]] == ["numerator", "denominator"]
    assert "touched" in macros
    assert "build_model" not in macros
    assert all(macro["description"] for macro in macros.values())
    for node in catalog.tables(manifest).values():
        assert node["description"], node["name"]
        assert all(column["description"] for column in node["columns"].values()), node["name"]


def test_links_of_the_overview_and_of_the_guide_lead_somewhere(site: Site) -> None:
    manifest = site.read("manifest.json")
    things = {key for family in ("nodes", "exposures", "metrics") for key in manifest[family]}
    overview = manifest["docs"]["doc.web_events_lakehouse.__overview__"]["block_contents"]
    # A name of the table of questions that is no model's is no link.
    assert "`" not in overview.partition("## Questions\n")[2].partition("\n## ")[0]
    for link in re.findall(r"\]\(([^)]+)\)", overview):
        page, _, thing = link.partition("#!/")
        assert thing.partition("/")[2] in things if thing else (site.folder / page).exists(), link
    for page in site.folder.glob("guide/*.html"):
        for link in re.findall(r'href="((?!https?:|data:)[^"#]+)', page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_lineage_of_columns_was_read_from_all_sql(site: Site) -> None:
    errors = site.folder / "columns" / "colibri-parsing-errors.json"
    assert not errors.exists(), errors.read_text()


def test_make_docs_serves_the_site(site: Site) -> None:
    answer = requests.get(site.url, timeout=10)
    assert answer.content == (site.folder / "index.html").read_bytes()


@pytest.fixture(params=["below a path", "as a file"])
def url(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    """Where the site is: a part of another site, and on the disk."""
    if request.param == "as a file":
        yield f"{site.folder.as_uri()}/"
    else:
        handler = partial(Quiet, directory=site.folder.parent)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/{site.folder.name}/"
            server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.skipif(BROWSER is None, reason=f"no browser to look with: none of {', '.join(BROWSERS)} is here")
def test_what_a_reader_sees(url: str, site: Site) -> None:
    script = PROJECT_ROOT / "tests" / "python" / "site_browser.py"
    python = PROJECT_ROOT / ".venv-docs" / "bin" / "python"
    done = subprocess.run(
        [python, script, BROWSER, url, TABLE, WORDS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["complaints"] == []
    # Nothing comes from the internet.
    assert seen["elsewhere"] == []
    assert {"The map", "How to read it", "Questions", "Questions as SQL"} <= set(seen["headings"])
    assert "fct_sessions" in seen["found"]
    manifest, columns = site.read("manifest.json"), site.read("catalog.json")["nodes"][TABLE]["columns"]
    assert seen["types"] == {name: column["type"] for name, column in columns.items()}
    lineage = set(seen["lineage"])
    assert {TABLE, *manifest["parent_map"][TABLE], *manifest["child_map"][TABLE]} <= lineage
    assert not any(name.startswith(("test.", "unit_test.")) for name in lineage)
    neighbours = {name.split(".")[-1] for name in manifest["parent_map"][TABLE]}
    assert neighbours <= {text.split("\n")[0] for text in seen["column_lineage"]}
    names = {node["name"] for node in catalog.tables(manifest).values()}
    assert {name for name in names if name.startswith(("fct_", "dim_"))} <= set(seen["star_schema"])
    assert seen["guide"] == "Changing the warehouse"
