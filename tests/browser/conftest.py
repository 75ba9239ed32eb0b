"""A browser for tests: the system's Chromium, driven by Playwright.

Where no browser is found, every test of this directory is skipped, and says so.
"""

import shutil
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from shown import Demo

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS: Final = ("--no-sandbox", "--disable-background-networking", "--disable-gpu")

TIMEOUT_MS: Final = 20_000
"""How long a test waits for a page to be as it should be, on a machine that does much else, too."""

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Run a browser.

    For a module and no longer: while its driver runs, no other test of the process can begin an
    event loop of its own.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on the PATH ({', '.join(NAMES)})")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    """Open a blank page whose addresses are those of a service with the Los Angeles story.

    What a script throws, and what the page's own policy or the network refuses, fails the test.
    """
    context = browser.new_context(base_url=demo.url)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    yield page
    context.close()
    assert wrong == []
