"""Every page, as a browser shows it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PAGES = (
    "/?around=la-ordinance-188441&depth=3&relations=true&known_position=40",
    "/",
    "/schema",
    "/problems/invalid-data",
    "/policies",
    "/policies/la-ordinance-188441?why=force",
    "/policies/la-executive-directive-20?as_of=2024-01-01",
    "/compare?from=50",
    "/audit?find=44",
    "/audit/policies/la-ordinance-188441?step=8",
    "/audit/events/01a2029e-4a60-7199-ae46-234cd11a7c16",
    "/record?policy=la-ordinance-188441",
)


@pytest.mark.parametrize("target", PAGES)
def test_a_page_keeps_nobody_out(page: Page, target: str) -> None:
    """Axe finds nothing serious on any page, light or dark."""
    found: dict[str, list[str]] = {}

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(target)
        violations = Axe().run(page).response["violations"]
        found[scheme] = [
            f"{each['id']}: {each['help']}"
            for each in violations
            if each["impact"] in {"serious", "critical"}
        ]

    assert found == {"light": [], "dark": []}
