"""The pictures that the documentation shows: taken of a running demo, a page each.

    uv run pytest --numprocesses=0 tests/browser/test_pictures.py --pictures docs/pictures

keeps them. Without `--pictures` they are taken and thrown away.
"""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from shown import Demo

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = {
    "timeline": "/?around=la-ordinance-188441&depth=3&from=2013&to=2027",
    "policy": "/policies/la-ordinance-188441?as_of=2025-12-01&why=force",
    "compare": "/compare?from=39&to=40&as_of=2024-11-25",
    "audit": "/audit/events/01a2029e-4a60-7199-ae46-234cd11a7c16",
    "record": "/record?policy=la-ordinance-188441",
}
WIDTH: Final = 1_100
HEIGHT: Final = 800
HEIGHTS: Final = {"timeline": 940}
LARGEST_BYTES: Final = 150_000
"""The README's picture is kept in git, where each version of it stays for ever."""


@pytest.mark.parametrize("name", PAGES)
def test_a_picture_is_taken(
    page: Page, demo: Demo, name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Each page can be shown to people who do not run it, in a file that git can keep."""
    picture = (request.config.getoption("--pictures") or tmp_path) / f"{name}.png"
    page.set_viewport_size({"width": WIDTH, "height": HEIGHTS.get(name, HEIGHT)})

    page.goto(PAGES[name])
    page.wait_for_load_state("networkidle")
    if name == "record":
        fill(page, demo.token)
    page.screenshot(path=picture, animations="disabled")

    assert 10_000 < picture.stat().st_size < LARGEST_BYTES


def fill(page: Page, token: str) -> None:
    """Fill the form in, up to where it shows what would be recorded."""
    page.get_by_label("Token").fill(token)
    page.get_by_label("Action needed").select_option("repealed")
    page.get_by_label("When it happened").fill("2026-11-20")
    page.get_by_label("Address").fill("https://news.example/council-repeals-ordinance")
    expect(page.locator("#preview.ready")).to_be_visible()
    page.locator("#preview").scroll_into_view_if_needed()


def test_each_picture_that_is_shown_is_taken() -> None:
    """The pictures that pages of the documentation name are those above."""
    named = [
        picture
        for path in (ROOT / "docs").rglob("*.md")
        for picture in re.findall(r"\(\.\./pictures/([\w-]+)\.png\)", path.read_text())
    ]

    assert sorted(named) == sorted(PAGES)
