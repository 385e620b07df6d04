"""The Markdown pages of the repository as pages of the site."""

from __future__ import annotations

import posixpath
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin

_MARKDOWN = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=4)


def sources(root: Path) -> list[Path]:
    """The Markdown pages that analysts read, in the order of reading."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]


def links(root: Path) -> str:
    """Links to all pages of the guide, from one of them."""
    return "".join(f'<a href="{_page(path)}">{path.stem.replace("-", " ")}</a>' for path in sources(root))


def pages(root: Path) -> dict[str, tuple[str, str]]:
    """Title and HTML of each page, by its file's name on the site."""
    known = {path.relative_to(root).as_posix(): _page(path) for path in sources(root)}
    return {_page(path): _rendered(path, path.parent.relative_to(root), known) for path in sources(root)}


def _page(path: Path) -> str:
    return f"{path.stem.lower()}.html"


def _rendered(path: Path, folder: Path, known: dict[str, str]) -> tuple[str, str]:
    tokens = _MARKDOWN.parse(path.read_text())
    for token in tokens:
        _relink(token.children or [], folder.as_posix(), known)
    title = next((tokens[i + 1].content for i, token in enumerate(tokens) if token.tag == "h1"), path.stem)
    return title, _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})


def _relink(tokens: list[Token], folder: str, known: dict[str, str]) -> None:
    """Let links lead to pages of the site; what is not there, as a file of code, is no link."""
    is_dead = False
    for token in tokens:
        if token.type == "link_open":
            target, _, anchor = str(token.attrs["href"]).partition("#")
            page = known.get(posixpath.normpath(posixpath.join(folder, target)))
            is_dead = bool(target) and not page and not target.startswith(("http:", "https:"))
            token.attrs = {"href": f"{page}#{anchor}" if anchor else page} if page else token.attrs
        if is_dead and token.type in ("link_open", "link_close"):
            token.tag, token.attrs = "span", {}
