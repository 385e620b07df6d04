"""README and docs: short, their links lead somewhere, the figures have their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loaders.lakehouse.settings import PROJECT_ROOT

PAGES = [PROJECT_ROOT / "README.md", PROJECT_ROOT / "CONTRIBUTING.md", *PROJECT_ROOT.glob("docs/*.md")]
TABLES = ("load", "batch", "storage", "engine", "time")


def anchors(page: Path) -> set[str]:
    """What links into a page may name, as GitHub makes it out of the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_read_in_a_minute() -> None:
    assert len((PROJECT_ROOT / "README.md").read_text().splitlines()) < 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_figures_have_their_place() -> None:
    text = (PROJECT_ROOT / "docs" / "benchmarks.md").read_text()
    for name in TABLES:
        assert text.count(f"<!-- {name} table -->") == text.count(f"<!-- /{name} table -->") == 1
