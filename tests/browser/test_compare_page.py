"""What the record learned between two moments, as a browser shows it."""

import re

from playwright.sync_api import Page, expect


def test_what_differs_is_marked_with_who_recorded_it(page: Page) -> None:
    """Before and after stand side by side; the values that differ are marked in words."""
    page.goto("/compare?from=50")

    change = page.locator(".change", has_text="Prohibition of the Use of City Resources")
    differing = change.locator("tr.differs")
    expect(differing).to_have_count(1)
    expect(differing).to_have_text(re.compile(r"litigation\s+differs\s+none\s+dismissed"))
    expect(change.locator("summary")).to_contain_text("by los-angeles-desk")


def test_pages_follow_each_other_to_the_end(page: Page) -> None:
    """With the default stretch, too, each changed policy comes once over all pages."""
    page.goto("/compare")
    every = page.locator(".change h2 a").all_inner_texts()
    page.goto("/compare?limit=7")
    found: list[str] = []

    for _ in range(10):
        found += page.locator(".change h2 a").all_inner_texts()
        more = page.get_by_role("link", name="Next page")
        if not more.count():
            break
        with page.expect_navigation():
            more.click()

    assert len(found) == len(every) > 7
    assert sorted(found) == sorted(every)


def test_a_stretch_without_news_says_so(page: Page) -> None:
    """Nothing learned is an answer, and the presets lead on."""
    page.goto("/compare?from=74&to=74")
    expect(page.locator(".empty")).to_be_visible()

    page.get_by_role("link", name="since the beginning").click()

    expect(page.locator(".change").first).to_be_visible()
