"""How Sphinx makes a site of docs/ and of the few pages that stand elsewhere in the repository.

`uv run --group docs scripts/docs.py` runs it. The source directory is the repository itself, so that a
relative link leads to the same page on the site as where people read the files as they are. For
their sake, too, pages are plain Markdown: the navigation follows the links of two lists.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = "Timeline"
release = PROJECT["version"]
copyright = "the authors of Timeline; Apache License 2.0"

extensions = ["myst_parser"]
root_doc = "docs/index"
LISTS = {root_doc, "docs/adr/README"}  # whose links are the navigation
include_patterns = [
    "docs/**.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "examples/README.md",
]
exclude_patterns = [".*", "build", "dist", "src", "tests", "bench", "migrations"]

nitpicky = True
myst_heading_anchors = 4
highlight_language = "text"

html_theme = "furo"
html_title = f"Timeline {release}"
html_copy_source = False
html_show_sphinx = False

TOCTREE = "```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"
ACCESSIBLE = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre><span></span>": '<pre tabindex="0"><span></span>',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
}
"""What Sphinx and its theme write, and what axe asks for."""

NO_PICTURE = "> *No picture here: none was taken when the site was built.* "


def navigation(page: str) -> str:
    """Make a page's links the navigation, section by section."""
    made = ""
    for section in re.split(r"^#+ ", page, flags=re.MULTILINE)[1:]:
        caption, links = section.split("\n", 1)
        listed = re.findall(r"\[([^\]]+)\]\((?!https?:)([^)]+)\.md\)", links)
        pages = "\n".join(to if name.isdigit() else f"{name} <{to}>" for name, to in listed)
        if pages:
            made += TOCTREE.format(caption=caption.split(": ")[-1].capitalize(), pages=pages)
    return f"{page}\n{made}"


def without_missing_pictures(page: str, directory: Path) -> str:
    """Put words in the place of pictures that were not taken."""

    def shown(image: re.Match[str]) -> str:
        return (
            image[0] if (directory / image[2]).exists() else NO_PICTURE + " ".join(image[1].split())
        )

    return re.sub(r"!\[([^\]]*)\]\(([^)]+\.png)\)", shown, page)


def read(app: Any, name: str, source: list[str]) -> None:
    """Change a page's text before it is parsed."""
    source[0] = without_missing_pictures(source[0], Path(app.env.doc2path(name)).parent)
    if name in LISTS:
        source[0] = navigation(source[0])


def for_the_keyboard(app: Any, error: Exception | None) -> None:
    """Let what scrolls be reached without a mouse, and headings of the navigation have a level."""
    for path in [] if error else Path(app.outdir).rglob("*.html"):
        page = path.read_text()
        for made, wanted in ACCESSIBLE.items():
            page = page.replace(made, wanted)
        path.write_text(page)


def setup(app: Any) -> None:
    """Have Sphinx ask for it."""
    app.connect("source-read", read)
    app.connect("build-finished", for_the_keyboard)
    app.add_lexer("csv", TextLexer)
