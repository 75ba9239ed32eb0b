"""The pages of policies, as a browser shows them."""

import re

import pytest
from playwright.sync_api import Page, expect

ORDINANCE = "la-ordinance-188441"


def test_policies_are_found_by_words_and_force_and_lead_to_their_pages(page: Page) -> None:
    """The form narrows the list and leaves empty fields out; a title leads to its policy."""
    page.goto("/policies")
    page.get_by_label("Words, or parts of them").fill("prohibition")
    page.get_by_label("In force?").select_option("yes")
    page.get_by_label("On the day").fill("2025-01-01")
    page.get_by_role("button", name="Show").click()

    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("in force")
    rows.get_by_role("link").first.click()

    expect(page).to_have_url(re.compile(rf"/policies/{ORDINANCE}\?as_of=2025-01-01$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Prohibition of the Use")


def test_a_page_shows_the_policy_on_both_clocks(page: Page) -> None:
    """The dates in the address decide: what was challenged later is not yet, and vice versa."""
    page.goto(f"/policies/{ORDINANCE}?as_of=2025-07-01")
    litigation = page.locator(".axis", has_text="Litigation")
    expect(litigation).to_contain_text("challenged")

    page.get_by_label("On the day").fill("2024-01-01")
    page.locator("main").get_by_role("button", name="Show").click()

    expect(litigation).to_contain_text("none")
    expect(page.locator(".axis", has_text="Stage")).to_contain_text("introduced")
    expect(page.locator(".standing")).to_contain_text("1 January 2024")


def test_why_leads_to_the_events_that_decide(page: Page) -> None:
    """Each derived value names its deciding events, and they are marked where they stand."""
    page.goto(f"/policies/{ORDINANCE}")

    page.locator(".axis", has_text="Force").get_by_role("link", name="why?").first.click()

    expect(page.get_by_role("heading", name=re.compile("Why does it say"))).to_be_visible()
    marked = page.locator(".actions .deciding h3")
    expect(marked).to_have_text([re.compile("signed.*decides force"), re.compile("took effect")])


def test_a_deciding_event_of_another_policy_is_reached(page: Page) -> None:
    """A dismissal stands with the lawsuit: the answer to "why?" leads there, to the very event."""
    page.goto(f"/policies/{ORDINANCE}?why=litigation")

    page.get_by_role("link", name="Action: dismissed").click()

    expect(page).to_have_url(re.compile("/policies/us-v-los-angeles-2025#event-"))
    expect(page.locator(":target h3")).to_contain_text("dismissed")


def test_corrections_disputes_and_retractions_are_told_as_such(page: Page) -> None:
    """What was said, what is believed, by whom and why; whose claim is open; what was taken back."""
    page.goto(f"/policies/{ORDINANCE}")

    corrected = page.locator(".corrected").first
    expect(corrected).to_contain_text("by los-angeles-desk")
    expect(corrected.locator("del").first).to_have_text("passed")
    expect(corrected.locator("ins").first).to_have_text("advanced")
    expect(page.locator(".note.disputed")).to_have_text(
        [
            re.compile("Was disputed, and is settled"),
            re.compile(r"Disputed\.\s+This source says that occurred is"),
        ]
    )
    expect(page.locator(".retracted")).to_contain_text("Recorded too early")
    outward = page.locator(".sources a[href^='http']").first
    assert set((outward.get_attribute("rel") or "").split()) >= {"nofollow", "noopener"}


def test_an_action_leads_to_the_form_that_corrects_it(page: Page) -> None:
    """What an editor would change begins at the action itself."""
    page.goto(f"/policies/{ORDINANCE}")

    page.get_by_role("link", name="Correct what is recorded at position 44").click()

    expect(page).to_have_url(re.compile(r"/record\?correct=01a2029e-4a60"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Correct an action")


@pytest.mark.parametrize(
    "target", ["/policies?in_force=yes&limit=3&q=", f"/policies/{ORDINANCE}?as_of=2025-01-01"]
)
def test_a_page_leads_to_the_same_in_every_form(page: Page, target: str) -> None:
    """Feeds, calendars, tables and lines of what the page shows: each link is answered as such."""
    page.goto(target)
    links = page.locator("a[href*='format=']").evaluate_all("all => all.map(each => each.href)")

    answers = {link: page.request.get(link) for link in links}

    assert len(links) >= 8
    assert {answer.status for answer in answers.values()} == {200}
    assert not any("html" in answer.headers["content-type"] for answer in answers.values())


def test_a_page_for_nothing_says_so(page: Page) -> None:
    """What is not there, and what is asked wrongly, is told in words and with its status."""
    answers = {
        target: (page.request.get(target, headers={"Accept": "text/html"}))
        for target in ("/policies/nothing-here", "/policies?as_of=yesterday")
    }

    assert [answer.status for answer in answers.values()] == [404, 400]
    for answer in answers.values():
        assert answer.headers["content-type"].startswith("text/html")
        assert "<h1>" in answer.text()
