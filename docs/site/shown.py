"""What of a manifest the site shows: SQL of a full refresh, macros by their comments, no tests in lineage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import catalog

from loaders.lakehouse.settings import PROJECT_ROOT

Json = dict[str, Any]

# Where the macros are that analysts use; the others are machinery.
SHOWN_MACROS = ("macros/enrichment/", "macros/sql/", "macros/operations/", "macros/incremental/touched.sql")

# What macros/incremental/touched.sql puts where a run that computes some rows puts its condition.
_TOUCHED = r"true /\* touched \w+ of \w+ \*/"
_WITHOUT_TOUCHED = (
    (rf"\s+and {_TOUCHED}", ""),
    (rf"{_TOUCHED}\s+and ", ""),
    (rf"\s+where\s+{_TOUCHED}", ""),
    (_TOUCHED, "true"),
)


def prepare(manifest: Json) -> None:
    """Change a manifest into what the site shows of it."""
    project = manifest["metadata"]["project_name"]
    for node in manifest["nodes"].values():
        if node.get("compiled_code"):
            node["compiled_code"] = full_select(node["compiled_code"])
    _hide_tests(manifest)
    _show_macros(manifest, project)
    overview = manifest["docs"][f"doc.{project}.__overview__"]
    overview["block_contents"] = _linked(overview["block_contents"], manifest) + "".join(_lists(manifest))


def full_select(compiled: str) -> str:
    """A model's compiled SQL without the places where a run puts the condition of what it computes."""
    for pattern, replacement in _WITHOUT_TOUCHED:
        compiled = re.sub(pattern, replacement, compiled)
    return compiled


def comments_of_macros(sql: str) -> dict[str, str]:
    """The comment right above each macro of a file, by the macro's name."""
    found = re.findall(r"\{#-?((?:(?!#\}).)*?)-?#\}\s*\{%-?\s*macro\s+(\w+)\(", sql, flags=re.DOTALL)
    return {name: re.sub(r"\n +", "\n", comment).strip() for comment, name in found}


def _hide_tests(manifest: Json) -> None:
    """Keep tests off lineage and tree; those of a column still stand beside it."""
    manifest["unit_tests"] = {}
    for key, node in list(manifest["nodes"].items()):
        if node["resource_type"] == "test":
            if node.get("test_metadata"):
                node["docs"]["show"] = False
            else:
                del manifest["nodes"][key]
    for family in ("parent_map", "child_map"):
        manifest[family] = {
            key: [other for other in others if not other.startswith(("test.", "unit_test."))]
            for key, others in manifest[family].items()
            if not key.startswith(("test.", "unit_test."))
        }


def _show_macros(manifest: Json, project: str) -> None:
    """Keep the macros that analysts use and that are described, if nowhere else by the comment above."""
    comments: dict[str, dict[str, str]] = {}
    kept = {}
    for key, macro in manifest["macros"].items():
        path = macro["original_file_path"]
        # With __ in its name it is an engine's.
        if macro["package_name"] != project or not path.startswith(SHOWN_MACROS) or "__" in macro["name"]:
            continue
        if path not in comments:
            comments[path] = comments_of_macros((PROJECT_ROOT / path).read_text())
        macro["description"] = macro["description"] or comments[path].get(macro["name"], "")
        if macro["description"]:
            macro["arguments"] = macro["arguments"] or [
                {"name": name, "type": None, "description": ""} for name in _arguments(macro["macro_sql"])
            ]
            kept[key] = macro
    manifest["macros"] = kept


def _arguments(sql: str) -> list[str]:
    """The arguments of a macro, as its first line has them: with their defaults."""
    listed = re.search(r"macro\s+\w+\((.*?)\)\s*-?%\}", sql, flags=re.DOTALL)
    return re.findall(r"\w+(?:\s*=\s*(?:\[[^]]*\]|'[^']*'|[^,]+))?", listed[1]) if listed else []


def _linked(text: str, manifest: Json) -> str:
    """A text in which each `name` of a model, seed or snapshot leads to its page."""
    pages = {node["name"]: f"[{node['name']}]({_page(node)})" for node in catalog.tables(manifest).values()}
    return re.sub(r"`(\w+)`", lambda name: pages.get(name[1], name[0]), text)


def _page(thing: Json) -> str:
    return f"#!/{thing['resource_type']}/{thing['unique_id']}"


def _lists(manifest: Json) -> Iterator[str]:
    """The overview's lists of what the project has: each only where there is any."""
    analyses = [node for node in manifest["nodes"].values() if node["resource_type"] == "analysis"]
    yield from _list("Questions as SQL", analyses, _link)
    yield from _list("What reads the warehouse", manifest["exposures"].values(), _link)
    yield from _list("Who owns what", manifest["groups"].values(), lambda group: _owned(group, manifest))
    yield from _list("Metrics", manifest["metrics"].values(), _link)


def _list(title: str, things: Iterable[Json], line: Callable[[Json], str]) -> Iterator[str]:
    lines = [f"- {line(thing)}\n" for thing in sorted(things, key=lambda thing: thing["name"])]
    if lines:
        yield f"\n\n## {title}\n\n{''.join(lines)}"


def _link(thing: Json) -> str:
    sentence = re.split(r"(?<=[.:?])\s", thing.get("description") or "", maxsplit=1)[0].rstrip(":")
    link = f"[{thing.get('label') or thing['name']}]({_page(thing)})"
    return f"{link}: {sentence}" if sentence else link


def _owned(group: Json, manifest: Json) -> str:
    """A group's owner, what it is, and where its models lie."""
    owner = group["owner"]
    who = " · ".join(owner[key] for key in ("name", "email") if owner.get(key))
    folders = sorted(
        {
            str(Path(node["original_file_path"]).parent)
            for node in manifest["nodes"].values()
            if node.get("group") == group["name"] and node["resource_type"] == "model"
        }
    )
    description = f" {group['description']}" if group.get("description") else ""
    return f"**{group['name']}**: {who}.{description} {', '.join(f'`{folder}`' for folder in folders)}"
