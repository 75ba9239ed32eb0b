"""The docs say what the code does: tables, links, decisions, dependencies. They build to a site."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from timeline.domain.dates import InvalidDate, Occurrence

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "examples" / "README.md",
]
LINK = re.compile(r"\]\(((?!https?:)[^)#\s]+)[^)]*\)")


def test_the_reference_is_made_from_this_code() -> None:
    """Every command, setting, route, event type and problem is documented as it is."""
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that is there.

    But for pictures that are taken when the site is built, whose names tests/browser compares.
    """
    links = [link for link in LINK.findall(page.read_text()) if "/pictures/" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_index() -> None:
    """Whoever begins at docs/index.md and follows links comes to every page."""
    reached: set[Path] = set()
    ahead = [ROOT / "docs" / "index.md"]

    while ahead:
        page = ahead.pop()
        reached.add(page)
        links = {(page.parent / link).resolve() for link in LINK.findall(page.read_text())}
        ahead += [each for each in links - reached if each.suffix == ".md"]

    assert sorted(set(PAGES) - reached) == []


def test_every_guide_whose_commands_have_answers_is_tested() -> None:
    """A page with commands in `sh`, which promises that they run, is named by the test that runs them."""
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    guides = [
        page.name
        for page in PAGES
        if page.parent.name in {"how-to", "tutorial", "explanation"}
        and re.search("^```(sh|py)$", page.read_text(), re.MULTILINE)
    ]

    assert guides
    assert [name for name in guides if f'"{name}"' not in tests and f"/{name}:" not in tests] == []


def test_dates_are_taken_as_explained() -> None:
    """The tables of docs/explanation/dates.md say which days a text means, and what is refused."""
    page = (ROOT / "docs" / "explanation" / "dates.md").read_text()
    taken, refused = page.split("These are refused")
    explained = re.findall(r"^\| `([^`]+)` \|[^|]+\| (\S+) \| (\S+) \|$", taken, re.MULTILINE)

    read = [(text, Occurrence.parse(text).served()) for text, _, _ in explained]

    assert len(explained) > 8
    assert explained == [
        (text, served["earliest"] or "open", served["latest"] or "open") for text, served in read
    ]
    assert str(Occurrence.parse("2024-11-19T10:30:00-08:00").earliest) == "2024-11-19"
    wrong = re.findall(r"^\| `([^`]+)` \|", refused, re.MULTILINE)
    assert len(wrong) > 4
    for text in wrong:
        with pytest.raises(InvalidDate):
            Occurrence.parse(text)


@pytest.mark.skipif(
    importlib.util.find_spec("sphinx") is None,
    reason="the group `docs` is not installed: uv sync --group docs",
)
def test_the_site_builds_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """Sphinx has nothing to say of any page; pages load no file of another host, and need no mouse."""
    done = subprocess.run(
        [sys.executable, "scripts/docs.py", "--no-pictures", "--to", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    site = {path: path.read_text() for path in tmp_path.rglob("*.html")}
    assert {tmp_path / page.relative_to(ROOT).with_suffix(".html") for page in PAGES} <= set(site)
    loads = re.compile(r'(?:src|<link[^>]* href)="((?:https?:)?//[^"]*)"')
    assert {
        path.name: loads.findall(text) for path, text in site.items() if loads.search(text)
    } == {}


def test_every_decision_is_listed() -> None:
    """The list of decisions names each of them, and nothing else."""
    directory = ROOT / "docs" / "adr"
    pages = {path.name for path in directory.glob("0*.md")}

    assert set(re.findall(r"\((0[\w-]+\.md)\)", (directory / "README.md").read_text())) == pages


def test_every_direct_dependency_has_its_reason() -> None:
    """docs/dependencies.md names each package that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *(package for group in project["dependency-groups"].values() for package in group),
        *project["build-system"]["requires"],
    ]
    names = {re.split(r"[\[<>=~! ]", each, maxsplit=1)[0] for each in asked}
    page = (ROOT / "docs" / "dependencies.md").read_text().casefold()

    assert sorted(name for name in names if f"`{name}" not in page and name not in page) == []
