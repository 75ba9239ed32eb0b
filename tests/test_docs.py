"""The docs say what the code does: tables, links, decisions, dependencies."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "examples" / "README.md",
]


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
    """Every relative link names a file that is there."""
    links = re.findall(r"\]\(((?!https?:)[^)#\s]+)[^)]*\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


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
