"""The figures: every rectangle and dot drawn says what the demo answers there.

The drawing carries its facts: `data-from`, `data-until` (days), `data-known-from` and
`data-known-until` (positions) bound a rectangle, both ends included, and an end that is left out is
open; the other `data-` attributes name what is served. A dot has one day and one position.
"""

from itertools import product
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import httpx
import pytest

from shown import Demo

FIGURES: Final = sorted((Path(__file__).parents[1] / "docs" / "explanation").glob("*.svg"))
SVG: Final = "{http://www.w3.org/2000/svg}"
FIRST_DAY: Final = "1970-01-01"
LAST_DAY: Final = "2100-01-01"
HEAD: Final = "74"
VALUES: Final = ("stage", "force", "litigation", "in-force")


def root(figure: Path) -> ET.Element:
    """Read a figure."""
    return ET.parse(figure).getroot()  # noqa: S314 - a file of this project


def facts(figure: Path) -> list[tuple[str, dict[str, str]]]:
    """Return what a figure draws: the words beside it, and its facts."""
    return [
        (" ".join(text.text or "" for text in group.iter(f"{SVG}text")), facts)
        for group in root(figure).iter(f"{SVG}g")
        for shape in group
        if (facts := {name[5:]: value for name, value in shape.items() if name[:5] == "data-"})
    ]


def points(fact: dict[str, str]) -> set[tuple[str, str]]:
    """Return the corners of a rectangle, or a dot, as days and positions."""
    if "as-of" in fact:
        return {(fact["as-of"], fact["known"])}
    days = fact.get("from", FIRST_DAY), fact.get("until", LAST_DAY)
    positions = fact["known-from"], fact.get("known-until", HEAD)
    return set(product(days, positions))


def served(page: dict[str, Any], fact: dict[str, str]) -> dict[str, str]:
    """Return what a policy's page says about the values that are drawn."""
    said: dict[str, str] = {}
    for name in VALUES:
        if name in fact:
            said[name] = page[name.replace("-", "_")]
    if "disputed" in fact:
        said["disputed"] = str(page["disputed"]).lower()
    if "possible" in fact:
        said["possible"] = " ".join(page["possible"]["stage"])
    return said


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.stem)
def test_a_figure_draws_what_is_served(figure: Path, demo: Demo) -> None:
    """At each corner, the values drawn are the values served."""
    policy = root(figure).attrib["data-policy"]
    drawn = facts(figure)

    assert drawn
    with httpx.Client(base_url=demo.url) as client:
        for words, fact in drawn:
            for as_of, known in sorted(points(fact)):
                answer = client.get(
                    f"/v1/policies/{policy}", params={"as_of": as_of, "known_position": known}
                )
                expected = {
                    name: value
                    for name, value in fact.items()
                    if name in {*VALUES, "disputed", "possible"}
                }
                assert served(answer.json(), fact) == expected, (words, as_of, known)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.stem)
def test_a_figure_says_in_words_what_it_draws(figure: Path) -> None:
    """The values stand beside the shapes, and title and description stand for the whole."""
    top = root(figure)

    assert top.attrib["role"] == "img"
    assert all((top.findtext(f"{SVG}{name}") or "").strip() for name in ("title", "desc"))
    for words, fact in facts(figure):
        assert all(fact[name] in words for name in VALUES if name in fact), words


def test_the_figures_are_there() -> None:
    """The checks above have something to check."""
    assert {figure.stem for figure in FIGURES} >= {"force-on-both-clocks", "late-correction"}
