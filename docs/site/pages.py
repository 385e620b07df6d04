"""The site's other pages: where columns come from, the star schema, and the guide, which is docs/*.md."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path
from string import Template

import guide
import star_schema
from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
from dbt_colibri.report.generator import DbtColibriReportGenerator

ROOT = Path(__file__).parents[2]
_PAGE = Template((Path(__file__).parent / "page.html").read_text())


def main(site: Path) -> None:
    """Write the pages beside index.html, from the manifest.json and catalog.json that are there."""
    columns(site)
    manifest, catalog = (json.loads((site / f"{name}.json").read_text()) for name in ("manifest", "catalog"))
    _write(site / "star_schema.html", "The star schema", star_schema.body(manifest, catalog), layout="wide")
    for name, (title, body) in guide.pages(ROOT).items():
        _write(site / "guide" / name, title, body, guide.links(ROOT))


def columns(site: Path) -> None:
    """Write the lineage of columns, as dbt-colibri finds it in the SQL."""
    extractor = DbtColumnLineageExtractor(str(site / "manifest.json"), str(site / "catalog.json"))
    DbtColibriReportGenerator(extractor, disable_telemetry=True).generate_report(str(site / "columns"))
    # The page has it in it.
    (site / "columns" / "colibri-manifest.json").unlink()


def _write(path: Path, title: str, body: str, links: str = "", layout: str = "") -> None:
    path.parent.mkdir(exist_ok=True)
    up = "../" if path.parent.name == "guide" else ""
    home = f'<a href="{up}index.html">Overview</a>{links}'
    path.write_text(_PAGE.substitute(title=html.escape(title), layout=layout, links=home, body=body))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
