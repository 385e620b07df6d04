"""The site's first page, index.html: dbt's own docs page, with what `dbt docs generate` wrote in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import catalog
import shown
from dbt.task.docs import DOCS_INDEX_FILE_PATH

Json = dict[str, Any]

# What is changed in dbt's page.
_CHANGES = {
    # It fills in these icons when it is open; what stands there before is an error in a page from a file.
    'xlink:href="{{': 'ng-attr-href="{{',
    # A link to no file; without any, browsers ask for /favicon.ico.
    "${require('./assets/favicons/favicon.ico')}": "data:,",
    "<h6>Columns</h6>": "<h6>Columns · "
    '<a ng-href="columns/index.html?model={{ model.unique_id }}&parents=1&children=1">'
    "where they come from, and go to</a></h6>",
}


def main(target: Path, site: Path) -> None:
    """Write index.html, and the manifest.json and catalog.json that it shows, for other tools.

    Args:
        target: where `dbt docs generate` has written.
        site: folder of the site.
    """
    manifest = json.loads((target / "manifest.json").read_text())
    found = json.loads((target / "catalog.json").read_text())
    shown.prepare(manifest)
    unbuilt = catalog.complete(manifest, found)
    if unbuilt:
        names = ", ".join(unbuilt[:3]) + (", …" if len(unbuilt) > 3 else "")
        is_typed = manifest["metadata"]["adapter_type"] == "duckdb"
        then = "their types are those that their SQL gives" if is_typed else "they have no types"
        print(f"{len(unbuilt)} tables are not built yet ({names}): {then}")
    site.mkdir(parents=True, exist_ok=True)
    page = Path(DOCS_INDEX_FILE_PATH).read_text()
    for old, new in _CHANGES.items():
        page = page.replace(old, new)
    for name, data in (("manifest", manifest), ("catalog", found)):
        text = json.dumps(data)
        (site / f"{name}.json").write_text(text)
        # `</script>` in a description would end the page's script.
        page = page.replace(f'"{name.upper()}.JSON INLINE DATA"', text.replace("</", "<\\/"))
    (site / "index.html").write_text(page)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
