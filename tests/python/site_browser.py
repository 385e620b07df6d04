"""Open a docs site in headless Chromium, and print as JSON what is there: run with the Python of .venv-docs.

Usage: site_browser.py CHROMIUM URL TABLE WORDS
"""

from __future__ import annotations

import json
import sys
from typing import Any

from playwright.sync_api import Page, sync_playwright

# As root, as in containers, Chromium has no sandbox; the others keep it from looking for Google's hosts.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
NODES = "() => [...document.querySelectorAll('*')].find(e => e._cyreg)._cyreg.cy.nodes().map(n => n.id())"


def look(page: Page, url: str, table: str, words: str) -> dict[str, Any]:
    """What a reader sees.

    Args:
        page: a new page.
        url: of the site, ending in a slash.
        table: a model's unique id.
        words: what to search for.
    """
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    elsewhere: list[str] = []
    inside = (url, "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(inside) or elsewhere.append(request.url))

    seen: dict[str, Any] = {"complaints": complaints, "elsewhere": elsewhere}
    page.goto(f"{url}index.html")
    page.get_by_role("heading", name="Web events lakehouse").wait_for()
    seen["headings"] = page.locator("h2").all_inner_texts()
    page.get_by_placeholder("Search for models...").fill(words)
    page.get_by_text("search results").wait_for()
    seen["found"] = page.locator(".search-result h4 span").all_inner_texts()

    open_anew(page, f"{url}index.html#!/model/{table}")
    page.locator("tr.column-row").first.wait_for()
    rows = page.locator("tr.column-row").all()
    seen["types"] = {
        row.locator("td").nth(0).inner_text(): row.locator("td").nth(1).inner_text() for row in rows
    }
    open_anew(page, f"{url}index.html#!/model/{table}?g_v=1&g_i=%2B{table.split('.')[-1]}%2B")
    page.wait_for_function(f"() => ({NODES})().length > 1")
    seen["lineage"] = page.evaluate(NODES)

    open_anew(page, f"{url}index.html#!/model/{table}")
    page.get_by_role("link", name="where they come from").click()
    page.locator(".react-flow__edge").first.wait_for(state="attached")
    seen["column_lineage"] = page.locator(".react-flow__node").all_inner_texts()

    open_anew(page, f"{url}star_schema.html")
    seen["star_schema"] = page.locator("svg text").all_text_contents()
    page.locator("svg a", has_text=table.split(".")[-1]).first.click()
    page.locator("tr.column-row").first.wait_for()
    open_anew(page, f"{url}guide/models.html")
    page.get_by_role("link", name="CONTRIBUTING.md").click()
    seen["guide"] = page.locator("h1").inner_text()
    return seen


def open_anew(page: Page, url: str) -> None:
    """Go to a page as from outside: of two URLs that differ behind # a browser loads the second no more."""
    page.goto("about:blank")
    page.goto(url)


if __name__ == "__main__":
    program, *arguments = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        # Lineage that lies outside of the window is not drawn.
        print(json.dumps(look(browser.new_page(viewport={"width": 4000, "height": 4000}), *arguments)))
        browser.close()
