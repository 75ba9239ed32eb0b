"""What the docs name exists: routes, commands with their options, settings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from timeline.cli import main as commands
from timeline.http.openapi import document
from timeline.settings import SETTINGS, TOKEN_VARIABLE

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr"),
]
"""Decisions are left out: they may tell of what is no more."""

SERVICE: Final = "http://127.0.0.1:8000"
FILES: Final = ("/etc/", "/var/", "/DIR", "/proc/")
SETTING: Final = re.compile(r"\bTIMELINE_[A-Z_]+\b")
COMMAND: Final = re.compile(
    r"(?:^\s*|\(|(?:run|-m|&&|\||do) |=\S+ )timeline((?: [a-z]+)+)([^|;&\n]*)", re.MULTILINE
)


def code(page: str) -> Iterator[str]:
    """Give what a page sets as code, in blocks and in lines; lines that go on are one."""
    page = page.replace("\\\n", " ")
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if language != "json":
            yield block
    yield from re.findall(
        r"`([^`]+)`", re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    )


def routes(page: str) -> set[str]:
    """Return the paths of the service that a page names."""
    spans = (re.sub(r"^(GET|POST|HEAD) ", "", each) for each in code(page))
    named = [each for each in spans if each.startswith("/") and not each.startswith(FILES)]
    asked = re.findall(rf"{SERVICE}(/[^\s'\"`>)]*)", page)
    return {re.split(r"[?#\s,]", each)[0] for each in [*named, *asked]}


def served(path: str) -> bool:
    """Tell whether a path is a route's, with whatever stands for its variables."""
    templates = document()["paths"]
    if path.endswith(("/", "/…")):
        return any(template.startswith(path.rstrip("…")) for template in templates)
    patterns = (re.sub(r"\{\w+\}", "[^/]+", template) for template in templates)
    return any(re.fullmatch(pattern, path) for pattern in patterns) or path.startswith("/log/tile/")


def misnamed(page: str) -> Iterator[str]:
    """Give the commands that do not exist, and options that they do not have."""
    for text in code(page):
        for words, rest in COMMAND.findall(text):
            command: click.Command | None = commands
            names = words.split()
            while isinstance(command, click.Group) and names:
                command = command.get_command(click.Context(command), names.pop(0))
            if command is None:
                yield f"timeline{words}"
                continue
            options = {"--help", *(each for option in command.params for each in option.opts)}
            given = re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest.split("# ")[0])
            yield from (f"{command.name} {each}" for each in given if each not in options)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    """No page names a route, a command, an option or a setting that does not exist."""
    text = page.read_text()
    settings = {setting.variable for setting in SETTINGS} | {TOKEN_VARIABLE}

    assert sorted(path for path in routes(text) if not served(path)) == []
    assert sorted(misnamed(text)) == []
    assert sorted(set(SETTING.findall(text)) - settings) == []


def test_a_wrong_name_is_found() -> None:
    """The comparison above is one that can fail."""
    page = (
        "`GET /v1/policy/x`, `/v1/policies/{policy}?as_of=x`, `timeline recall`,\n"
        "```text\nTIMELINE_PORTS=1 timeline serve --port 1 \\\n  --prot 2 | grep --colour x\n```\n"
        f"and {SERVICE}/polices?x"
    )

    assert sorted(path for path in routes(page) if not served(path)) == ["/polices", "/v1/policy/x"]
    assert sorted(misnamed(page)) == ["serve --prot", "timeline recall"]
    assert SETTING.findall(page) == ["TIMELINE_PORTS"]
