"""Every page, as a browser shows it."""

from typing import Any, Final, Literal, TypeAlias

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Json: TypeAlias = dict[str, Any]

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

PAGES: Final = (
    "/?around=la-ordinance-188441&depth=3&relations=true&known_position=40&differing=true",
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


COLOURS: Final = ("color-contrast", "link-in-text-block")
"""The rules that depend on light or dark."""

ALIKE: Final = {
    "/schema": ["main > section:not(:nth-of-type(9n + 1))", "tbody tr:nth-child(n + 4)"]
}
"""What looks as what stands before it, made by the same lines of a template: of 12,000 elements."""


@pytest.mark.parametrize("target", PAGES)
def test_a_page_keeps_nobody_out(page: Page, target: str) -> None:
    """Axe finds nothing serious on any page, light or dark."""
    page.goto(target)

    found = {"any": serious(page, None, {"rules": {each: {"enabled": False} for each in COLOURS}})}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        seen = {"exclude": [[each] for each in ALIKE.get(target, [])]}
        found[scheme] = serious(page, seen, {"runOnly": list(COLOURS)})

    assert found == {"any": [], "light": [], "dark": []}


def serious(page: Page, context: Json | None, options: Json) -> list[str]:
    """Return what axe finds that keeps somebody out."""
    asked = {**options, "resultTypes": ["violations"]}
    return [
        f"{each['id']}: {each['help']}"
        for each in Axe().run(page, context, asked).response["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
